terraform {
  # 1.11 is the first whose lock in the bucket itself is not an experiment.
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

  dynamic "assume_role" {
    for_each = var.role[*]
    content {
      role_arn = assume_role.value
    }
  }

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes certificates and rules from this region alone.
provider "aws" {
  alias               = "cloudfront"
  region              = "us-east-1"
  allowed_account_ids = var.account == null ? null : [var.account]

  dynamic "assume_role" {
    for_each = var.role[*]
    content {
      role_arn = assume_role.value
    }
  }

  default_tags {
    tags = local.tags
  }
}

# Where copies of snapshots go; the same region again where there is no second one.
provider "aws" {
  alias               = "standby"
  region              = coalesce(var.standby_region, var.region)
  allowed_account_ids = var.account == null ? null : [var.account]

  dynamic "assume_role" {
    for_each = var.role[*]
    content {
      role_arn = assume_role.value
    }
  }

  default_tags {
    tags = local.tags
  }
}
