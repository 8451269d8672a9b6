variable "name" {
  type        = string
  description = "The server's name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,52}[a-z0-9]$", var.name))
    error_message = "Use up to 54 small letters, digits and hyphens: AWS adds to it, and takes 63."
  }
}

variable "settings" {
  type = object({
    version     = string
    instance    = string
    instances   = number
    backup_days = number
    disk_gb     = optional(number)
  })
  description = "How it is: an RDS instance with a disk of disk_gb, else an Aurora cluster."

  validation {
    condition     = can(regex("^[0-9]{2}$", var.settings.version))
    error_message = "Write the major version, e.g. \"17\"."
  }

  validation {
    condition     = var.settings.backup_days >= 1 && var.settings.backup_days <= 35
    error_message = "Keep backups for 1 to 35 days: AWS takes no more, and without any nothing is restored."
  }

  validation {
    condition     = var.settings.instances <= (var.settings.disk_gb == null ? 16 : 2)
    error_message = "Aurora has 16 instances at most; an RDS instance has one beside it that stands by."
  }
}

variable "global" {
  type = object({
    identifier = string
    primary    = bool
  })
  description = "The global database of an Aurora cluster: its name, and whether this region takes writes; null: it is of one region."
  default     = null

  validation {
    condition     = var.global == null || (var.settings.disk_gb == null && !startswith(var.settings.instance, "db.t"))
    error_message = "A global database is of Aurora, and no instance class of it begins with db.t."
  }
}

variable "password" {
  type        = string
  description = "The administrator's password; it is in no state and no plan. Of a second region it is the first one's."
  default     = null
  ephemeral   = true
}

variable "password_number" {
  type        = number
  description = "Which password that is: with another number, it is set again; null: AWS makes, keeps and renews one."
  default     = null

  validation {
    condition     = var.password_number != null || !try(var.global.primary, false)
    error_message = "AWS keeps no password of a global database: give one."
  }
}

variable "protected" {
  type        = bool
  description = "It cannot be deleted, leaves a snapshot, and changes in its maintenance window alone."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "zones" {
  type        = list(string)
  description = "The subnets' availability zones. Aurora's instances take them in turn."

  validation {
    condition     = length(var.zones) > 0
    error_message = "Name the zones of the subnets."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "The private subnets that it may be in."
}

variable "clients" {
  type        = map(string)
  description = "The security groups that may connect, by what has them; nothing else may."
}
