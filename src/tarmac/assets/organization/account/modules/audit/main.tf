# One region: AWS Config records what changed and holds it against rules, Security Hub against a standard, and
# GuardDuty looks for attacks.
locals {
  # Of AWS itself; what is global is looked at in one region.
  rules = merge(
    {
      encrypted-volumes          = "ENCRYPTED_VOLUMES"
      rds-not-public             = "RDS_INSTANCE_PUBLIC_ACCESS_CHECK"
      s3-not-readable-by-all     = "S3_BUCKET_PUBLIC_READ_PROHIBITED"
      security-group-ssh-not-all = "INCOMING_SSH_DISABLED"
    },
    var.leads ? {
      iam-password-policy = "IAM_PASSWORD_POLICY"
      root-has-mfa        = "ROOT_ACCOUNT_MFA_ENABLED"
    } : {},
  )
}

resource "aws_config_configuration_recorder" "this" {
  name     = var.name
  role_arn = var.role

  recording_group {
    all_supported                 = true
    include_global_resource_types = var.leads
  }
}

resource "aws_config_delivery_channel" "this" {
  name           = var.name
  s3_bucket_name = var.bucket
  s3_kms_key_arn = var.key_arn

  depends_on = [aws_config_configuration_recorder.this]
}

resource "aws_config_configuration_recorder_status" "this" {
  name       = aws_config_configuration_recorder.this.name
  is_enabled = true

  depends_on = [aws_config_delivery_channel.this]
}

resource "aws_config_config_rule" "this" {
  for_each = local.rules

  name = each.key

  source {
    owner             = "AWS"
    source_identifier = each.value
  }

  depends_on = [aws_config_configuration_recorder.this]
}

resource "aws_securityhub_account" "this" {
  enable_default_standards = false
}

resource "aws_securityhub_standards_subscription" "this" {
  standards_arn = "arn:aws:securityhub:${var.region}::standards/aws-foundational-security-best-practices/v/1.0.0"

  depends_on = [aws_securityhub_account.this]
}

resource "aws_guardduty_detector" "this" {
  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_ebs_encryption_by_default" "this" {
  enabled = true
}
