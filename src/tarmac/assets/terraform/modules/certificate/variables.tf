variable "hosts" {
  type        = set(string)
  description = "The hosts that it is for."

  validation {
    condition     = length(var.hosts) >= 1 && length(var.hosts) <= 10
    error_message = "Name 1 to 10 hosts: AWS takes no more without a raised quota."
  }
}

variable "zone_id" {
  type        = string
  description = "The zone of the hosts."
}
