variable "namespace" {
  type        = string
  description = "Kubernetes' namespace: that of the metrics, and what the role's name begins with."
}

variable "region" {
  type        = string
  description = "The region of the experiments."
}

variable "account" {
  type        = string
  description = "The account of the experiments."
}

variable "vpc_id" {
  type        = string
  description = "The network whose subnets can be cut off."
}

variable "tags" {
  type        = map(string)
  description = "What nodes and databases have that may be disturbed."

  validation {
    condition     = length(var.tags) > 0
    error_message = "Without a tag it could stop every instance of the account."
  }
}

variable "alarms" {
  type = map(object({
    metric = string
    least  = number
    about  = string
  }))
  description = "Alarms by name: the metric, the share of good requests below which a run ends, a sentence."

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : alarm.least > 0 && alarm.least < 1])
    error_message = "A share is between 0 and 1."
  }

  validation {
    condition     = length(var.alarms) > 0
    error_message = "Without an alarm nothing would stop an experiment."
  }
}
