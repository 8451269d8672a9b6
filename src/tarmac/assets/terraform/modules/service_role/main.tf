# The role of one service account: it reads its own entries of Secrets Manager and its own buckets, does what
# it is allowed by name, and nothing else.
locals {
  account = split(":", var.oidc_provider_arn)[4]
  buckets = distinct(concat(var.reads, var.writes))

  statements = concat(
    length(var.secrets) == 0 ? [] : [{
      Effect = "Allow"
      Action = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      # AWS adds a hyphen and six characters to an entry's name.
      Resource = [for name in var.secrets : "arn:aws:secretsmanager:${var.region}:${local.account}:secret:${name}-??????"]
    }],
    length(local.buckets) == 0 ? [] : [{
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [for name in local.buckets : "arn:aws:s3:::${name}"]
      }, {
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [for name in local.buckets : "arn:aws:s3:::${name}/*"]
    }],
    length(var.writes) == 0 ? [] : [{
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
      Resource = [for name in var.writes : "arn:aws:s3:::${name}/*"]
    }],
    length(var.keys) == 0 ? [] : [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = var.keys
    }],
    [for action, resources in var.allows : {
      Effect   = "Allow"
      Action   = [action]
      Resource = resources
    }],
  )
}

resource "aws_iam_role" "this" {
  name = var.role
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${var.oidc_issuer}:aud" = "sts.amazonaws.com"
          "${var.oidc_issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.name}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "own" {
  name = "own"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements
  })
}
