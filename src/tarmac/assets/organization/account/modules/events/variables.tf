variable "name" {
  type        = string
  description = "What the names of rules and functions begin with."
}

variable "project" {
  type        = string
  description = "The tag Project of what may be cleaned up."
}

variable "account" {
  type        = string
  description = "The number of the account."
}

variable "region" {
  type        = string
  description = "The region whose events are heard."
}

variable "email" {
  type        = string
  description = "Where alerts go."
}

variable "dry_run" {
  type        = bool
  description = "What is stale is listed and not deleted."
}
