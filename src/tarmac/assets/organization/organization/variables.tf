variable "name" {
  type        = string
  description = "The first word of every name, and the tag Project."
}

variable "region" {
  type        = string
  description = "The region of IAM Identity Center."
}

variable "regions" {
  type        = list(string)
  description = "The regions in which accounts may do anything; global services are apart."

  validation {
    condition     = length(var.regions) > 0 && contains(var.regions, var.region)
    error_message = "Name the regions of the accounts, and that of IAM Identity Center among them."
  }
}

variable "role" {
  type        = string
  description = "The role by which the management account enters each account."
}

variable "accounts" {
  type        = map(string)
  description = "The accounts, each with the address that no other account of AWS has."

  validation {
    condition     = length(distinct(values(var.accounts))) == length(var.accounts)
    error_message = "AWS wants another address for each account."
  }
}

variable "access" {
  type = map(object({
    policies = list(string)
    accounts = list(string)
    hours    = number
  }))
  description = "Groups of people: the policies of AWS that they have, in which accounts, for how long at a time."

  validation {
    condition     = alltrue([for one in values(var.access) : one.hours >= 1 && one.hours <= 12])
    error_message = "A session lasts 1 to 12 hours."
  }

  validation {
    condition     = alltrue([for one in values(var.access) : alltrue([for name in one.accounts : contains(keys(var.accounts), name)])])
    error_message = "A group has rights in accounts of this organization."
  }
}
