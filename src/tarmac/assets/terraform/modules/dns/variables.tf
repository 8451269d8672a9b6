variable "name" {
  type        = string
  description = "What it is for: project and environment."
}

variable "zone" {
  type        = string
  description = "The domain of the zone."
}

variable "existing" {
  type        = bool
  description = "The zone is there already, and only looked up."
}

variable "hosts" {
  type        = set(string)
  description = "The public hosts."

  validation {
    condition     = alltrue([for host in var.hosts : host == var.zone || endswith(host, ".${var.zone}")])
    error_message = "A zone has records of its own domain and of those below it."
  }
}

variable "balancers" {
  type        = map(string)
  description = "Of each region the host name of the load balancer before its ingress."

  validation {
    condition = alltrue([
      for region, host in var.balancers :
      endswith(host, ".elb.${region}.amazonaws.com") || endswith(host, ".${region}.elb.amazonaws.com")
    ])
    error_message = "Write a name that AWS gave a load balancer of that region."
  }
}

variable "region" {
  type        = string
  description = "The region that serves."
}

variable "standby" {
  type        = string
  description = "The region that takes over; null: none."
  default     = null
}

variable "health_path" {
  type        = string
  description = "What answers 200 at an entrance while its region serves."
  default     = "/health"

  validation {
    condition     = startswith(var.health_path, "/")
    error_message = "A path begins with a slash."
  }
}

variable "cdn" {
  type = object({
    name    = string
    zone_id = string
  })
  description = "The distribution before the hosts; null: they lead to the entrance themselves."
  default     = null
}

variable "protected" {
  type        = bool
  description = "The zone cannot be deleted while it has records of others."
}
