terraform {
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

# Of the management account, which has nothing else in it.
provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = var.name, ManagedBy = "terraform" }
  }
}
