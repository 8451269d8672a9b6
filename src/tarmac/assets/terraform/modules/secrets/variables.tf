variable "name" {
  type        = string
  description = "The name of the service account, and of its role."

  validation {
    condition     = length(var.name) <= 64
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

variable "prefix" {
  type        = string
  description = "What the names of the entries begin with, before a slash."

  validation {
    condition     = can(regex("^[a-z0-9-]+(/[a-z0-9-]+)*$", var.prefix))
    error_message = "Write words with slashes between them, e.g. shop/production: no wildcard."
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
