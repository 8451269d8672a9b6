terraform {
  # 1.11 is the first whose lock in the bucket itself is no experiment.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Where it is comes at `terraform init -backend-config=backend.hcl`: a backend takes no variables.
  backend "s3" {}
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account == null ? null : [var.account]

  default_tags {
    tags = local.tags
  }
}
