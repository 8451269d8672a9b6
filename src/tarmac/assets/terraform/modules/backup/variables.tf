variable "name" {
  type        = string
  description = "Its name: project and environment."
}

variable "days" {
  type        = number
  description = "The days for which a snapshot is kept."

  validation {
    condition     = var.days >= 1
    error_message = "Keep snapshots for a day at least."
  }
}

variable "tags" {
  type        = map(string)
  description = "What is backed up has all of these tags."

  validation {
    condition     = length(var.tags) > 0
    error_message = "Without a tag everything in the account would be backed up."
  }
}

variable "vault" {
  type        = string
  description = "The vault."
}

variable "copies" {
  type        = list(string)
  description = "The vaults of other regions that each snapshot is copied to."
  default     = []
}
