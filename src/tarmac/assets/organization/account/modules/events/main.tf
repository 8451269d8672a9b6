# What AWS says of itself, and what is done about it: two small functions. Their code is in their stacks, as it is
# in the files beside: no archive is built.
locals {
  log = "arn:aws:logs:${var.region}:${var.account}:log-group:/aws/lambda/${var.name}"
  functions = {
    alert = {
      env = { TOPIC = aws_sns_topic.this.arn, DRY_RUN = "false" }
      may = [{ Effect = "Allow", Action = "sns:Publish", Resource = aws_sns_topic.this.arn }]
    }
    cleanup = {
      env = { PROJECT = var.project, DRY_RUN = tostring(var.dry_run) }
      may = [
        {
          Effect   = "Allow"
          Action   = ["ec2:DescribeAddresses", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"]
          Resource = "*"
        },
        # Also a mistake in the function deletes nothing that has not both tags.
        {
          Effect   = "Allow"
          Action   = ["ec2:DeleteSnapshot", "ec2:DeleteVolume", "ec2:ReleaseAddress"]
          Resource = "arn:aws:ec2:${var.region}:*:*"
          Condition = {
            StringEquals = { "aws:ResourceTag/Project" = var.project }
            Null         = { "aws:ResourceTag/Expires" = "false" }
          }
        },
      ]
    }
  }
  patterns = jsondecode(file("${path.module}/patterns.json"))
  rules = merge(
    { for name, pattern in local.patterns : name => { function = "alert", pattern = jsonencode(pattern), schedule = null } },
    { cleanup = { function = "cleanup", pattern = null, schedule = "cron(0 4 * * ? *)" } },
  )
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-events"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "this" {
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = var.email
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  name = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions

  name = "own"
  role = aws_iam_role.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(each.value.may, [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.log}-${each.key}:*"
    }])
  })
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = 90
}

resource "aws_cloudformation_stack" "this" {
  for_each = local.functions

  name = "${var.name}-${each.key}"
  template_body = jsonencode({
    Resources = {
      Function = {
        Type = "AWS::Lambda::Function"
        Properties = {
          FunctionName = "${var.name}-${each.key}"
          Runtime      = "python3.13"
          Handler      = "index.handler"
          Timeout      = 60
          Role         = aws_iam_role.this[each.key].arn
          Environment  = { Variables = each.value.env }
          Code         = { ZipFile = file("${path.module}/functions/${each.key}.py") }
        }
      }
    }
    Outputs = { Arn = { Value = { "Fn::GetAtt" = ["Function", "Arn"] } } }
  })

  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name                = "${var.name}-${each.key}"
  event_pattern       = each.value.pattern
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rules

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_cloudformation_stack.this[each.value.function].outputs["Arn"]
}

resource "aws_lambda_permission" "this" {
  for_each = local.rules

  function_name = "${var.name}-${each.value.function}"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn

  depends_on = [aws_cloudformation_stack.this]
}
