terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "second"
  region = "eu-west-1"
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "zones" {
  type        = list(string)
  default     = ["eu-central-1a", "eu-central-1b"]
  description = "Zones of the subnets."
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0))
    error_message = "The network is written as 10.0.0.0/16."
  }
}

variable "ports" {
  type    = map(number)
  default = { http = 80, https = 443 }
}

variable "tags" {
  type    = map(string)
  default = {}
}

variable "settings" {
  type = object({
    size   = number
    public = optional(bool, false)
  })
  default = { size = 2 }
}

locals {
  name    = "shop"
  subnets = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 8, index) }
  tags    = merge(var.tags, { system = local.name })
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_vpc" "main" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = local.tags
}

resource "aws_subnet" "private" {
  for_each = local.subnets

  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = each.key
  tags              = merge(local.tags, { Name = "private-${each.key}" })
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "The web servers."
  vpc_id      = aws_vpc.main.id

  dynamic "ingress" {
    for_each = var.ports
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
      description = ingress.key
    }
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [tags]
  }
}

resource "aws_security_group_rule" "out" {
  type              = "egress"
  from_port         = 443
  to_port           = 443
  protocol          = "tcp"
  cidr_blocks       = ["0.0.0.0/0"]
  security_group_id = aws_security_group.web.id
}

resource "aws_eip" "nat" {
  count  = var.settings.size
  domain = "vpc"
}

resource "aws_nat_gateway" "main" {
  count         = var.settings.size
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = values(aws_subnet.private)[count.index].id

  depends_on = [aws_vpc.main]
}

output "vpc_id" {
  value       = aws_vpc.main.id
  description = "The network."
}

output "subnet_ids" {
  value = [for subnet in aws_subnet.private : subnet.id]
}

output "addresses" {
  value = aws_eip.nat[*].public_ip
}

output "account" {
  value     = data.aws_caller_identity.current.account_id
  sensitive = true
}
