# What a template of AWS FIS names: an alarm for each objective, which stops the run, and the role by which
# FIS acts. Without a value an alarm is on, so no experiment begins while nothing is measured.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = each.key
  alarm_description   = each.value.about
  namespace           = var.namespace
  metric_name         = each.value.metric
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "LessThanThreshold"
  threshold           = each.value.least
  treat_missing_data  = "breaching"
}

# Nothing but an experiment of this account takes the role.
resource "aws_iam_role" "this" {
  name = "${var.namespace}-fis"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "fis.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnLike      = { "aws:SourceArn" = "arn:aws:fis:${var.region}:${var.account}:experiment/*" }
      }
    }]
  })
}

# It stops nodes and fails databases over that have the environment's tags, and no others. To cut a subnet
# off FIS makes a network ACL of its own, which it finds by its tag.
resource "aws_iam_role_policy" "this" {
  name = "experiments"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ec2:DescribeInstances",
          "ec2:DescribeManagedPrefixLists",
          "ec2:DescribeNetworkAcls",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
          "tag:GetResources",
        ]
        Resource = "*"
      },
      {
        Sid    = "NodesAndDatabases"
        Effect = "Allow"
        Action = ["ec2:StartInstances", "ec2:StopInstances", "rds:FailoverDBCluster"]
        Resource = [
          "arn:aws:ec2:${var.region}:${var.account}:instance/*",
          "arn:aws:rds:${var.region}:${var.account}:cluster:*",
        ]
        Condition = { StringEquals = { for key, value in var.tags : "aws:ResourceTag/${key}" => value } }
      },
      {
        Sid       = "OwnAcls"
        Effect    = "Allow"
        Action    = ["ec2:CreateNetworkAcl", "ec2:CreateTags"]
        Resource  = "arn:aws:ec2:${var.region}:${var.account}:network-acl/*"
        Condition = { StringEquals = { "aws:RequestTag/managedByFIS" = "true" } }
      },
      {
        Sid    = "InTheNetwork"
        Effect = "Allow"
        Action = ["ec2:CreateNetworkAcl", "ec2:ReplaceNetworkAclAssociation"]
        Resource = [
          "arn:aws:ec2:${var.region}:${var.account}:vpc/${var.vpc_id}",
          "arn:aws:ec2:${var.region}:${var.account}:subnet/*",
          "arn:aws:ec2:${var.region}:${var.account}:network-acl/*",
        ]
      },
      {
        Sid       = "WithdrawAcls"
        Effect    = "Allow"
        Action    = ["ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"]
        Resource  = "arn:aws:ec2:${var.region}:${var.account}:network-acl/*"
        Condition = { StringEquals = { "ec2:ResourceTag/managedByFIS" = "true" } }
      },
      {
        Sid    = "LookAtOwn"
        Effect = "Allow"
        Action = ["cloudwatch:DescribeAlarms", "rds:DescribeDBClusters"]
        Resource = [
          "arn:aws:cloudwatch:${var.region}:${var.account}:alarm:*",
          "arn:aws:rds:${var.region}:${var.account}:cluster:*",
        ]
      },
    ]
  })
}
