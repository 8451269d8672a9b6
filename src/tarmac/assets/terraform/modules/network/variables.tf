variable "name" {
  type        = string
  description = "The name of the VPC and of the cluster in it."
}

variable "region" {
  type        = string
  description = "The region of the zones."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Write a region, e.g. eu-central-1."
  }
}

variable "network" {
  type        = string
  description = "The addresses of the VPC."

  validation {
    condition     = can(cidrnetmask(var.network)) && tonumber(split("/", var.network)[1]) >= 16
    error_message = "Write a network of IPv4 with 65536 addresses at most, e.g. 10.0.0.0/16."
  }
}

variable "zones" {
  type        = list(string)
  description = "The availability zones."

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "The zones are those of the region: its name and a letter."
  }
}

variable "public_subnets" {
  type        = list(string)
  description = "The addresses of each zone's public subnet."

  validation {
    condition     = length(var.public_subnets) == length(var.zones)
    error_message = "Name a public subnet for each zone."
  }
}

variable "private_subnets" {
  type        = list(string)
  description = "The addresses of each zone's private subnet."

  validation {
    condition     = length(var.private_subnets) == length(var.zones)
    error_message = "Name a private subnet for each zone."
  }
}

variable "nat_gateways" {
  type        = number
  description = "1 for all zones, or one in each."

  validation {
    condition     = contains([1, length(var.zones)], var.nat_gateways)
    error_message = "Write 1, or the number of zones."
  }
}

variable "firewall_subnets" {
  type        = list(string)
  description = "The addresses of each zone's endpoint of a firewall; none: the way out is open."
  default     = []

  validation {
    condition     = contains([0, length(var.zones)], length(var.firewall_subnets))
    error_message = "Name a firewall's subnet for each zone, or none."
  }
}

variable "nat_subnets" {
  type        = list(string)
  description = "With a firewall: the addresses of each zone's NAT gateway."
  default     = []

  validation {
    condition     = length(var.nat_subnets) == length(var.firewall_subnets)
    error_message = "Name as many subnets of NAT gateways as of the firewall."
  }
}

variable "firewall_endpoints" {
  type        = map(string)
  description = "With a firewall: its endpoint in each zone."
  default     = {}
}
