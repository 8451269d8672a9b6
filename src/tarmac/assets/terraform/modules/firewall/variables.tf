variable "name" {
  type        = string
  description = "The web ACL's name."
}

variable "scope" {
  type        = string
  description = "CLOUDFRONT for a distribution; REGIONAL for an application load balancer."

  validation {
    condition     = contains(["CLOUDFRONT", "REGIONAL"], var.scope)
    error_message = "Write CLOUDFRONT or REGIONAL."
  }
}

variable "requests" {
  type        = number
  description = "The requests that one address may make in five minutes."

  validation {
    condition     = var.requests >= 10 && var.requests <= 2000000000
    error_message = "AWS counts from 10 requests on."
  }
}
