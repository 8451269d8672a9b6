variable "name" {
  type        = string
  description = "The server's name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "Use up to 40 small letters, digits and hyphens: AWS takes no more."
  }
}

variable "settings" {
  type = object({
    version     = string
    instance    = string
    instances   = number
    backup_days = number
  })
  description = "The version, how large, how many nodes, how many days of snapshots."

  validation {
    condition     = can(regex("^[5-9]\\.[0-9x]+$", var.settings.version))
    error_message = "Write a version with two numbers, e.g. \"7.1\"."
  }

  validation {
    condition     = var.settings.instances >= 1 && var.settings.instances <= 6
    error_message = "One node writes and up to five follow it: 1 to 6."
  }
}

variable "protected" {
  type        = bool
  description = "It leaves a snapshot, and changes in its maintenance window alone."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "subnet_ids" {
  type        = list(string)
  description = "The private subnets that it may be in."
}

variable "clients" {
  type        = map(string)
  description = "The security groups that may connect, by what has them; nothing else may."
}
