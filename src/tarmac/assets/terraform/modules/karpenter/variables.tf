variable "name" {
  type        = string
  description = "The cluster's name; the queue has it, too."
}

variable "region" {
  type        = string
  description = "The cluster's region."
}

variable "node_role" {
  type        = string
  description = "The name of the role of its nodes."
}

variable "cluster_security_group_id" {
  type        = string
  description = "The security group that EKS makes for the cluster."
}

variable "oidc_provider_arn" {
  type        = string
  description = "The cluster's OIDC provider."
}

variable "oidc_issuer" {
  type        = string
  description = "The cluster's issuer, without https://."
}
