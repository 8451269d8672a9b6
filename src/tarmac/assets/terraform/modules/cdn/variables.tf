variable "name" {
  type        = string
  description = "Its name: project and environment."
}

variable "hosts" {
  type        = set(string)
  description = "The public hosts that it answers."
}

variable "entrance" {
  type        = string
  description = "The name by which it finds the cluster's ingress."
}

variable "bucket" {
  type        = string
  description = "The bucket of the files: no other account of AWS has one of that name."
}

variable "files" {
  type        = list(string)
  description = "The paths that are served from the bucket."

  validation {
    condition     = alltrue([for path in var.files : startswith(path, "/")])
    error_message = "A path begins with a slash: /static/*."
  }
}

variable "challenges" {
  type        = bool
  description = "The ingress's certificate is issued over HTTP (HTTP-01), by paths below /.well-known/acme-challenge/."
}

variable "certificate_arn" {
  type        = string
  description = "The certificate of the hosts, in us-east-1."
}

variable "web_acl_arn" {
  type        = string
  description = "The web ACL, of scope CLOUDFRONT."
}

variable "protected" {
  type        = bool
  description = "The bucket cannot be deleted while it has files."
}
