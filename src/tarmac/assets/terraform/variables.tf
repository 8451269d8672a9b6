variable "project" {
  type        = string
  description = "The first word of every name, and the tag Project."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.project))
    error_message = "Use 2 to 24 small letters, digits and hyphens: AWS allows a server 40 in all."
  }
}

variable "environment" {
  type        = string
  description = "The second word of every name, and the tag Environment."

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$", var.environment))
    error_message = "Use up to 16 small letters, digits and hyphens."
  }
}

variable "account" {
  type        = string
  description = "The only account that it may be applied to; any where it is null."
  default     = null
}

variable "role" {
  type        = string
  description = "The role by which an account of the organization is entered; null: the identity is of that account."
  default     = null
}

variable "region" {
  type        = string
  description = "The region of everything here."
}

variable "network" {
  type        = string
  description = "The addresses of the VPC."
}

variable "zones" {
  type        = list(string)
  description = "The availability zones; EKS asks for two at least."

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) == length(distinct(var.zones))
    error_message = "Name two different zones or more."
  }
}

variable "public_subnets" {
  type        = list(string)
  description = "Of each zone the addresses for load balancers and NAT gateways."
}

variable "private_subnets" {
  type        = list(string)
  description = "Of each zone the addresses for nodes, pods and stores."
}

variable "nat_gateways" {
  type        = number
  description = "1 for all zones, or one in each."
}

variable "kubernetes_version" {
  type        = string
  description = "The minor version of Kubernetes."
}

variable "api_networks" {
  type        = list(string)
  description = "The networks outside that reach the API server; none: it is reached from the VPC only."
  default     = []
}

variable "protected" {
  type        = bool
  description = "Nothing that holds data can be deleted or changed outside its maintenance window."
  default     = true
}

variable "secondary" {
  type        = bool
  description = "These are the values of the second region, planned in the workspace of its name."
  default     = false

  validation {
    condition     = terraform.workspace == (var.secondary ? var.region : "default")
    error_message = "The second region has a workspace of its region's name, and the first one `default`: terraform workspace select."
  }
}

variable "standby_region" {
  type        = string
  description = "Of the first region: the second one; null: there is none."
  default     = null
}

variable "pilot_light" {
  type        = bool
  description = "The cluster has one small group of nodes and no other."
  default     = false
}

variable "backup_days" {
  type        = number
  description = "The days for which nightly snapshots are kept; null: none are made."
  default     = null
}

variable "node_groups" {
  type = map(object({
    instance_types = list(string)
    image          = optional(string, "BOTTLEROCKET_x86_64")
    min            = number
    desired        = number
    max            = number
    disk_gb        = optional(number, 50)
    spot           = optional(bool, false)
  }))
  description = "The groups of nodes; a node has the label role=<group>, and a spot node the taint capacity=spot."
}

variable "postgres" {
  type = map(object({
    version     = string
    instance    = string
    instances   = number
    backup_days = number
    disk_gb     = optional(number)
  }))
  description = "PostgreSQL servers: RDS instances where disk_gb is given, else Aurora clusters."
  default     = {}
}

variable "redis" {
  type = map(object({
    version     = string
    instance    = string
    instances   = number
    backup_days = number
  }))
  description = "Redis servers of ElastiCache."
  default     = {}
}

variable "entries" {
  type = object({
    under     = string
    number    = number
    generated = optional(set(string), [])
  })
  description = "What is written to Secrets Manager: below which name where each server stands and its administrator's password, which number the passwords have, and the whole names of those of users; null: a person writes them."
  default     = null
}

variable "repositories" {
  type        = set(string)
  description = "The image repositories that this environment keeps."
  default     = []
}

variable "service_roles" {
  type = map(object({
    role      = string
    namespace = string
    entries   = list(string)
    reads     = optional(list(string), [])
    writes    = optional(list(string), [])
    allows    = optional(map(list(string)), {})
  }))
  description = "Service accounts that need something in AWS: the entries of Secrets Manager, the buckets and the actions of each."
  default     = {}
}

variable "buckets" {
  type        = map(number)
  description = "Buckets of S3, with the days for which their objects are kept."
  default     = {}
}

variable "egress" {
  type = object({
    hosts            = list(string)
    firewall_subnets = list(string)
    nat_subnets      = list(string)
  })
  description = "The hosts that are reached outside besides those of AWS, and of each zone the addresses of the firewall's endpoint and of a NAT gateway behind it; null: the way out is open."
  default     = null
}

variable "dns" {
  type = object({
    zone        = string
    existing    = optional(bool, false)
    hosts       = set(string)
    balancers   = optional(map(string), {})
    standby     = optional(string)
    health_path = optional(string, "/health")
    followed    = optional(bool, false)
  })
  description = "The zone of the public hosts, and of each region the load balancer before its ingress; followed: ExternalDNS makes the records; null: no DNS."
  default     = null
}

variable "cdn" {
  type = object({
    bucket     = string
    files      = list(string)
    requests   = number
    challenges = bool
  })
  description = "The distribution before the public hosts, which needs dns; null: none."
  default     = null

  validation {
    condition     = var.cdn == null || var.dns != null
    error_message = "Its certificate is proven in the zone: say dns, too."
  }
}

variable "experiments" {
  type = object({
    namespace = string
    alarms = map(object({
      metric = string
      least  = number
      about  = string
    }))
  })
  description = "The alarms of the objectives, which stop experiments of AWS FIS; null: there are none."
  default     = null
}

variable "karpenter" {
  type        = bool
  description = "Karpenter makes nodes on demand: its role, and the queue of interruptions."
  default     = false
}

variable "velero" {
  type = object({
    bucket  = string
    volumes = bool
  })
  description = "Velero keeps the cluster's objects in this bucket, and snapshots of disks where it may; null: there is no role for it."
  default     = null

  validation {
    condition     = var.velero == null || var.secondary || contains(keys(var.buckets), try(var.velero.bucket, ""))
    error_message = "Name its bucket among the buckets, too."
  }
}

variable "budget" {
  type = object({
    month = number
    email = string
  })
  description = "USD a month for both regions, and the address to which AWS Budgets reports; null: no budget."
  default     = null
}
