variable "name" {
  type        = string
  description = "The entry's name; another password of the same user has another one."

  validation {
    condition     = can(regex("^[A-Za-z0-9/_.-]{1,505}$", var.name)) && !can(regex("-[A-Za-z0-9]{6}$", var.name))
    error_message = "Use letters, digits and /_.- for an entry's name. AWS adds a hyphen and six characters to it, so it cannot end like that itself."
  }
}

variable "replica" {
  type        = string
  description = "Another region that has a copy of it; null: there is none."
  default     = null
}

variable "protected" {
  type        = bool
  description = "It can be brought back for 30 days after it was deleted."
}
