module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "~> 5.0"

  name            = "shop-${var.environment}"
  cidr            = var.vpc_cidr
  azs             = var.zones
  private_subnets = var.private_subnets

  enable_nat_gateway = true

  enable_s3_endpoint = true # free, and keeps the traffic inside
}
