terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "password" {
  type      = string
  sensitive = true
}

variable "retention" {
  type    = number
  default = 7
}

variable "buckets" {
  type    = set(string)
  default = ["media", "exports"]
}

resource "aws_db_subnet_group" "main" {
  name       = "main"
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
}

resource "aws_db_instance" "main" {
  identifier              = "orders"
  engine                  = "postgres"
  engine_version          = "16.4"
  instance_class          = "db.t4g.medium"
  allocated_storage       = 50
  username                = "orders"
  password                = var.password
  db_subnet_group_name    = aws_db_subnet_group.main.name
  backup_retention_period = var.retention
  storage_encrypted       = true
  multi_az                = true
  skip_final_snapshot     = false
}

resource "aws_s3_bucket" "own" {
  for_each = var.buckets
  bucket   = "shop-${each.key}"
}

resource "aws_s3_bucket_versioning" "own" {
  for_each = aws_s3_bucket.own
  bucket   = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "own" {
  bucket = aws_s3_bucket.own["exports"].id

  rule {
    id     = "old"
    status = "Enabled"

    filter {
      prefix = "old/"
    }

    expiration {
      days = 90
    }
  }
}

resource "aws_s3_bucket_public_access_block" "own" {
  for_each                = aws_s3_bucket.own
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_sqs_queue" "dead" {
  name                      = "orders-dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "orders" {
  name                       = "orders"
  visibility_timeout_seconds = 60
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_dynamodb_table" "sessions" {
  name         = "sessions"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}

resource "aws_iam_role" "worker" {
  name               = "worker"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_lambda_function" "worker" {
  function_name = "worker"
  role          = aws_iam_role.worker.arn
  handler       = "worker.handle"
  runtime       = "python3.12"
  filename      = "worker.zip"
  timeout       = 30
  memory_size   = 256

  environment {
    variables = {
      QUEUE = aws_sqs_queue.orders.url
    }
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead.arn
  }
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn = aws_sqs_queue.orders.arn
  function_name    = aws_lambda_function.worker.arn
  batch_size       = 10
}

resource "aws_route53_record" "db" {
  zone_id = "Z0123456789"
  name    = "db.example.com"
  type    = "CNAME"
  ttl     = 60
  records = [aws_db_instance.main.address]
}

output "buckets" {
  value = { for name, bucket in aws_s3_bucket.own : name => bucket.arn }
}

output "endpoint" {
  value = "${aws_db_instance.main.address}:${aws_db_instance.main.port}"
}
