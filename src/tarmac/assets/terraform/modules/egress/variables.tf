variable "name" {
  type        = string
  description = "Its name: project and environment."
}

variable "region" {
  type        = string
  description = "The region, by which hosts of AWS are named."
}

variable "account" {
  type        = string
  description = "The account, which owns the key."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "subnet_ids" {
  type        = list(string)
  description = "A subnet in each zone, which holds nothing but an endpoint."

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "Name a subnet for an endpoint in each zone."
  }
}

variable "hosts" {
  type        = list(string)
  description = "Hosts that are reached besides those of AWS; with a dot before it every name below, too."

  validation {
    condition     = alltrue([for host in var.hosts : can(regex("^[.]?([a-z0-9-]+[.])+[a-z0-9-]+$", host))])
    error_message = "Write names of hosts in small letters, e.g. api.stripe.com or .sentry.io."
  }
}

variable "protected" {
  type        = bool
  description = "It cannot be deleted, nor get another policy or other subnets."
}
