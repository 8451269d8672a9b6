variable "name" {
  type        = string
  description = "The cluster's name."
}

variable "kubernetes_version" {
  type        = string
  description = "The minor version of Kubernetes."

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "Write a minor version, e.g. \"1.36\"."
  }
}

variable "vpc_id" {
  type        = string
  description = "The VPC of its nodes."
}

variable "private_subnet_ids" {
  type        = list(string)
  description = "The subnets of its nodes and of its API server's addresses."
}

variable "api_networks" {
  type        = list(string)
  description = "The networks outside that reach the API server."
  default     = []

  validation {
    condition     = !contains(var.api_networks, "0.0.0.0/0")
    error_message = "Name the networks of those who operate the cluster, not the whole internet."
  }
}

variable "node_groups" {
  type = map(object({
    instance_types = list(string)
    image          = string
    min            = number
    desired        = number
    max            = number
    disk_gb        = number
    spot           = bool
  }))
  description = "The groups of nodes, by name."

  validation {
    condition = alltrue([
      for group in var.node_groups : group.min <= group.desired && group.desired <= group.max
    ])
    error_message = "Of each group min <= desired <= max."
  }

  validation {
    condition     = anytrue([for group in var.node_groups : !group.spot && group.min > 0])
    error_message = "One group at least is not of spot nodes, and never empty: CoreDNS needs a place."
  }
}

variable "tags" {
  type        = map(string)
  description = "The tags of instances and their disks: the provider's default tags do not reach them."
}
