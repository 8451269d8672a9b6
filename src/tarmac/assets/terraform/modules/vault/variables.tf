variable "name" {
  type        = string
  description = "The vault's name."
}

variable "protected" {
  type        = bool
  description = "It cannot be deleted while it has snapshots."
}
