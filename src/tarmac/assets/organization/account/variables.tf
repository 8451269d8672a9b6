variable "name" {
  type        = string
  description = "The first word of every name: organization and account."
}

variable "account" {
  type        = string
  description = "The number of the account."

  validation {
    condition     = can(regex("^\\d{12}$", var.account))
    error_message = "Write its twelve digits, an output of organization/."
  }
}

variable "role" {
  type        = string
  description = "The role by which the account is entered."
}

variable "region" {
  type        = string
  description = "The account's first region: that of its trail."
}

variable "second_region" {
  type        = string
  description = "Its second region; null: it has one."
  default     = null
}

variable "days" {
  type        = number
  description = "Days for which what happened is kept."

  validation {
    condition     = var.days >= 90
    error_message = "An attack is often noticed after months: keep 90 days at least."
  }
}

variable "automation" {
  type = object({
    project = string
    email   = string
    deletes = bool
  })
  description = "What answers events: the tag Project of what is cleaned up, where alerts go, whether stale things are deleted; null: nothing."
  default     = null
}
