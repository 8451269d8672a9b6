variable "name" {
  type        = string
  description = "The name of the service account."
}

variable "role" {
  type        = string
  description = "The name of its role."

  validation {
    condition     = length(var.role) <= 64
    error_message = "AWS takes 64 characters at most for a role."
  }
}

variable "namespace" {
  type        = string
  description = "The service account's namespace."
}

variable "region" {
  type        = string
  description = "The region of the entries."
}

variable "secrets" {
  type        = list(string)
  description = "The entries of Secrets Manager that it reads."
  default     = []

  validation {
    condition     = alltrue([for name in var.secrets : can(regex("^[A-Za-z0-9/_.-]+$", name))])
    error_message = "Write whole names, e.g. shop/production/stores/orders-db/order-service/url: no wildcard."
  }
}

variable "reads" {
  type        = list(string)
  description = "The buckets whose objects it lists and reads."
  default     = []
}

variable "writes" {
  type        = list(string)
  description = "The buckets whose objects it reads, writes and deletes."
  default     = []
}

variable "keys" {
  type        = list(string)
  description = "The keys of these buckets."
  default     = []
}

variable "allows" {
  type        = map(list(string))
  description = "What else it may do: an action -> the ARNs of its resources."
  default     = {}

  validation {
    condition     = !anytrue([for action in keys(var.allows) : strcontains(action, "*")])
    error_message = "Name each action: no wildcard."
  }
}

variable "oidc_provider_arn" {
  type        = string
  description = "The cluster's OIDC provider."
}

variable "oidc_issuer" {
  type        = string
  description = "The cluster's issuer, without https://."
}
