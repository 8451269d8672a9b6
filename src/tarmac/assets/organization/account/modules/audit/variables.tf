variable "name" {
  type        = string
  description = "The recorder's name."
}

variable "region" {
  type        = string
  description = "The region that is looked at."
}

variable "bucket" {
  type        = string
  description = "Where records go."
}

variable "key_arn" {
  type        = string
  description = "The key under which they are encrypted."
}

variable "role" {
  type        = string
  description = "The role of AWS Config."
}

variable "leads" {
  type        = bool
  description = "What is global is recorded here, and in no other region."
}
