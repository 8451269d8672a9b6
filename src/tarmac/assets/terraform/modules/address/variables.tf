variable "name" {
  type        = string
  description = "The entry's name."

  validation {
    condition     = can(regex("^[A-Za-z0-9/_.-]{1,505}$", var.name))
    error_message = "Use letters, digits and /_.- for an entry's name."
  }
}

variable "host" {
  type        = string
  description = "The server's name in DNS."
}

variable "protected" {
  type        = bool
  description = "It can be brought back for 30 days after it was deleted."
}
