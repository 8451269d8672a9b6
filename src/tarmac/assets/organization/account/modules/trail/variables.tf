variable "name" {
  type        = string
  description = "The trail's name."
}

variable "account" {
  type        = string
  description = "The number of the account."
}

variable "region" {
  type        = string
  description = "The trail's own region; it records all of them."
}

variable "days" {
  type        = number
  description = "Days for which records are kept."
}
