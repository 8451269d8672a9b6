# What every account has before anything runs in it: a trail of what was done, a record of what changed, and
# what looks for attacks and weak settings, in each of its regions.
locals {
  tags = {
    Project   = var.name
    ManagedBy = "terraform"
  }
}

module "trail" {
  source = "./modules/trail"

  name    = var.name
  account = var.account
  region  = var.region
  days    = var.days
}

module "audit" {
  source = "./modules/audit"

  name    = var.name
  region  = var.region
  bucket  = module.trail.bucket
  key_arn = module.trail.key_arn
  role    = aws_iam_role.config.arn
  leads   = true
}

module "audit_second" {
  source    = "./modules/audit"
  count     = var.second_region == null ? 0 : 1
  providers = { aws = aws.second }

  name    = var.name
  region  = var.second_region
  bucket  = module.trail.bucket
  key_arn = module.trail.key_arn
  role    = aws_iam_role.config.arn
  leads   = false
}

module "events" {
  source = "./modules/events"
  count  = var.automation == null ? 0 : 1

  name    = var.name
  project = var.automation.project
  account = var.account
  region  = var.region
  email   = var.automation.email
  dry_run = !var.automation.deletes
}

# By it AWS Config looks at every resource; it writes to the bucket of the trail and nowhere else.
resource "aws_iam_role" "config" {
  name = "${var.name}-config"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "config.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "config" {
  role       = aws_iam_role.config.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"
}

resource "aws_iam_role_policy" "config" {
  name = "deliver"
  role = aws_iam_role.config.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "s3:PutObject"
        Resource  = "${module.trail.bucket_arn}/AWSLogs/${var.account}/Config/*"
        Condition = { StringEquals = { "s3:x-amz-acl" = "bucket-owner-full-control" } }
      },
      {
        Effect   = "Allow"
        Action   = "s3:GetBucketAcl"
        Resource = module.trail.bucket_arn
      },
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = module.trail.key_arn
      },
    ]
  })
}

# The baseline of IAM. People have no users here, they come by Identity Center; where one is made all the same,
# its password is long.
resource "aws_iam_account_password_policy" "this" {
  minimum_password_length        = 16
  require_lowercase_characters   = true
  require_uppercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 24
}

resource "aws_s3_account_public_access_block" "this" {
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
