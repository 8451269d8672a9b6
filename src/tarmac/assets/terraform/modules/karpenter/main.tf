# Karpenter's role, and the queue by which AWS says which nodes it takes back. The statements are those of
# Karpenter's own template: what it makes has the cluster's tag, and it changes nothing that has not.
# https://karpenter.sh/docs/reference/cloudformation
locals {
  account = split(":", var.oidc_provider_arn)[4]
  ec2     = "arn:aws:ec2:${var.region}:*"
  owned   = "kubernetes.io/cluster/${var.name}"
  made    = [for kind in ["fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request"] : "${local.ec2}:${kind}/*"]

  # Of what is made and of what is there.
  of_request  = { StringEquals = { "aws:RequestTag/${local.owned}" = "owned" }, StringLike = { "aws:RequestTag/karpenter.sh/nodepool" = "*" } }
  of_resource = { StringEquals = { "aws:ResourceTag/${local.owned}" = "owned" }, StringLike = { "aws:ResourceTag/karpenter.sh/nodepool" = "*" } }
  of_profile = {
    StringEquals = { "aws:ResourceTag/${local.owned}" = "owned", "aws:ResourceTag/topology.kubernetes.io/region" = var.region }
    StringLike   = { "aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass" = "*" }
  }
  of_new_profile = {
    StringEquals = { "aws:RequestTag/${local.owned}" = "owned", "aws:RequestTag/topology.kubernetes.io/region" = var.region }
    StringLike   = { "aws:RequestTag/karpenter.k8s.aws/ec2nodeclass" = "*" }
  }

  # What EventBridge hears of nodes: the part of AWS, and what it says.
  heard = {
    health    = ["aws.health", "AWS Health Event"]
    spot      = ["aws.ec2", "EC2 Spot Instance Interruption Warning"]
    rebalance = ["aws.ec2", "EC2 Instance Rebalance Recommendation"]
    state     = ["aws.ec2", "EC2 Instance State-change Notification"]
  }
}

# Of both groups that nodes have; Terraform gives the other one its tag where it makes it.
resource "aws_ec2_tag" "cluster_security_group" {
  resource_id = var.cluster_security_group_id
  key         = "karpenter.sh/discovery"
  value       = var.name
}

resource "aws_sqs_queue" "interruptions" {
  name                      = var.name
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "interruptions" {
  queue_url = aws_sqs_queue.interruptions.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.interruptions.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      }, {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.interruptions.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.heard

  name          = "${var.name}-karpenter-${each.key}"
  description   = "Karpenter moves the pods of nodes that AWS takes back"
  event_pattern = jsonencode({ source = [each.value[0]], detail-type = [each.value[1]] })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.heard

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_sqs_queue.interruptions.arn
}

resource "aws_iam_role" "this" {
  name = "${var.name}-karpenter"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${var.oidc_issuer}:aud" = "sts.amazonaws.com"
          "${var.oidc_issuer}:sub" = "system:serviceaccount:karpenter:karpenter"
        }
      }
    }]
  })
}
