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

variable "repositories" {
  type        = set(string)
  description = "The image repositories that this environment keeps."
  default     = []
}

variable "secret_readers" {
  type = map(object({
    namespace = string
    prefix    = string
  }))
  description = "Service accounts that read the entries below a prefix of Secrets Manager."
  default     = {}
}

variable "buckets" {
  type        = map(number)
  description = "Buckets of S3, with the days for which their objects are kept."
  default     = {}
}
