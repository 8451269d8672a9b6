variable "name" {
  type        = string
  description = "The budget's name, and the value of the tag Budget."
}

variable "month" {
  type        = number
  description = "USD a month."

  validation {
    condition     = var.month > 0
    error_message = "A budget is more than 0 USD."
  }
}

variable "email" {
  type        = string
  description = "The address that is told at 80 % spent, and once 100 % are expected."
}
