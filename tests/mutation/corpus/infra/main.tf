terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
  backend "s3" {
    bucket       = "tickets-terraform"
    key          = "production/terraform.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}

variable "vpc_id" {
  type        = string
  description = "The network that the database is in"
}

variable "app_cidr" {
  type    = string
  default = "10.40.0.0/20"
}

resource "aws_security_group" "db" {
  name   = "tickets-db"
  vpc_id = var.vpc_id

  ingress {
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = [var.app_cidr]
  }
}

resource "aws_db_instance" "tickets" {
  identifier                  = "tickets"
  engine                      = "postgres"
  engine_version              = "17.6"
  instance_class              = "db.m7g.large"
  allocated_storage           = 100
  max_allocated_storage       = 500
  multi_az                    = true
  storage_encrypted           = true
  publicly_accessible         = false
  deletion_protection         = true
  skip_final_snapshot         = false
  final_snapshot_identifier   = "tickets-final"
  backup_retention_period     = 14
  manage_master_user_password = true
  username                    = "tickets"
  vpc_security_group_ids      = [aws_security_group.db.id]
}

resource "aws_s3_bucket" "receipts" {
  bucket = "tickets-receipts"
}

resource "aws_s3_bucket_public_access_block" "receipts" {
  bucket                  = aws_s3_bucket.receipts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

output "database" {
  value = aws_db_instance.tickets.address
}
