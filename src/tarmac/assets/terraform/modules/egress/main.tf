# What leaves private subnets: TLS and HTTP to hosts of a list, and nothing else. A firewall reads the name
# that a client says, and not where it goes: it keeps honest programs to the list, and finds others.
locals {
  # What nodes, add-ons and service accounts ask of AWS. S3 has an endpoint of its own.
  aws = [for service in [
    "api.ecr", "autoscaling", "ec2", "ec2messages", "eks", "eks-auth", "elasticloadbalancing", "logs",
    "monitoring", "secretsmanager", "sqs", "ssm", "ssmmessages", "sts",
  ] : "${service}.${var.region}.amazonaws.com"]

  # Images of add-ons are in registries of AWS, whose accounts differ by region.
  hosts = distinct(concat(local.aws, [".dkr.ecr.${var.region}.amazonaws.com"], var.hosts))
}

resource "aws_kms_key" "this" {
  description             = "Firewall of ${var.name} and its log"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "log"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnEquals = {
          "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account}:log-group:${local.log}"
        } }
      },
    ]
  })
}

resource "aws_networkfirewall_rule_group" "hosts" {
  name        = "${var.name}-hosts"
  description = "Hosts that may be reached"
  type        = "STATEFUL"
  capacity    = 1000

  rule_group {
    rules_source {
      rules_source_list {
        generated_rules_type = "ALLOWLIST"
        target_types         = ["HTTP_HOST", "TLS_SNI"]
        targets              = local.hosts
      }
    }

    stateful_rule_options {
      rule_order = "STRICT_ORDER"
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.this.arn
  }
}

# Without a handshake a packet has no name, and the default below lets the first ones of a connection pass.
# Of what is not TCP, a NAT gateway passes these two alone.
resource "aws_networkfirewall_rule_group" "others" {
  name        = "${var.name}-others"
  description = "What has no name of a host"
  type        = "STATEFUL"
  capacity    = 10

  rule_group {
    rules_source {
      dynamic "stateful_rule" {
        for_each = { ICMP = "1", UDP = "2" }
        content {
          action = "DROP"

          header {
            protocol         = stateful_rule.key
            source           = "ANY"
            source_port      = "ANY"
            direction        = "FORWARD"
            destination      = "ANY"
            destination_port = "ANY"
          }

          rule_option {
            keyword  = "sid"
            settings = [stateful_rule.value]
          }
        }
      }
    }

    stateful_rule_options {
      rule_order = "STRICT_ORDER"
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.this.arn
  }
}
