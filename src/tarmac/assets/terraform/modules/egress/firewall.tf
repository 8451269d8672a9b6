resource "aws_networkfirewall_firewall_policy" "this" {
  name = var.name

  firewall_policy {
    stateless_default_actions          = ["aws:forward_to_sfe"]
    stateless_fragment_default_actions = ["aws:forward_to_sfe"]

    # A name is known once a connection stands, so what is dropped by default is what such a one carries.
    stateful_default_actions = ["aws:alert_established", "aws:drop_established"]

    stateful_engine_options {
      rule_order              = "STRICT_ORDER"
      stream_exception_policy = "REJECT"
    }

    dynamic "stateful_rule_group_reference" {
      for_each = [aws_networkfirewall_rule_group.others.arn, aws_networkfirewall_rule_group.hosts.arn]
      content {
        priority     = stateful_rule_group_reference.key + 1
        resource_arn = stateful_rule_group_reference.value
      }
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.this.arn
  }
}

resource "aws_networkfirewall_firewall" "this" {
  name                              = var.name
  firewall_policy_arn               = aws_networkfirewall_firewall_policy.this.arn
  vpc_id                            = var.vpc_id
  delete_protection                 = var.protected
  subnet_change_protection          = var.protected
  firewall_policy_change_protection = var.protected

  dynamic "subnet_mapping" {
    for_each = var.subnet_ids
    content {
      subnet_id = subnet_mapping.value
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.this.arn
  }
}

# What was dropped, for a year, as the refused of the network.
locals {
  log = "/aws/network-firewall/${var.name}/alert"
}

resource "aws_cloudwatch_log_group" "alerts" {
  name              = local.log
  retention_in_days = 365
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_networkfirewall_logging_configuration" "this" {
  firewall_arn = aws_networkfirewall_firewall.this.arn

  logging_configuration {
    log_destination_config {
      log_type             = "ALERT"
      log_destination_type = "CloudWatchLogs"
      log_destination      = { logGroup = aws_cloudwatch_log_group.alerts.name }
    }
  }
}
