variable "name" {
  type        = string
  description = "The repository's name, e.g. shop/orders."
}

variable "protected" {
  type        = bool
  description = "It cannot be deleted while it has images."
}

variable "untagged_days" {
  type        = number
  description = "The days after which an image without a tag goes."
  default     = 14
}

variable "kept_images" {
  type        = number
  description = "The number of images that stay."
  default     = 100

  validation {
    condition     = var.kept_images >= 10
    error_message = "Keep 10 images at least: what runs must not be lost to ten failed builds."
  }
}
