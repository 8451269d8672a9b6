variable "environment" {
  type = string
}

variable "eks_node_min_size" {
  type = number
}

variable "eks_node_max_size" {
  type = number
}

variable "eks_node_desired_size" {
  type = number
}
