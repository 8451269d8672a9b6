output "alarms" {
  description = "The alarms."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]
}

output "role_arn" {
  description = "What `roleArn` of a template names."
  value       = aws_iam_role.this.arn
}
