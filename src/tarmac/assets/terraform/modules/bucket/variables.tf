variable "name" {
  type        = string
  description = "The bucket's name: no other account of AWS has one of that name."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Use 3 to 63 small letters, digits and hyphens."
  }
}

variable "days" {
  type        = number
  description = "The days after which an object goes, and those after which an overwritten one does."

  validation {
    condition     = var.days >= 1
    error_message = "Keep objects for a day at least."
  }
}

variable "protected" {
  type        = bool
  description = "It cannot be deleted while it has objects."
}
