terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Its key is the account's: terraform init -backend-config=backend.hcl -backend-config=key=accounts/NAME/...
  backend "s3" {}
}

# The identity that applies it is of the management account, and enters this one.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  assume_role {
    role_arn = "arn:aws:iam::${var.account}:role/${var.role}"
  }

  default_tags {
    tags = local.tags
  }
}

# The second region of the account; the first one again where there is none, and then nothing is made by it.
provider "aws" {
  alias               = "second"
  region              = coalesce(var.second_region, var.region)
  allowed_account_ids = [var.account]

  assume_role {
    role_arn = "arn:aws:iam::${var.account}:role/${var.role}"
  }

  default_tags {
    tags = local.tags
  }
}
