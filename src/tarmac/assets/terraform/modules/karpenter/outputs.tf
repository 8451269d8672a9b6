output "role_arn" {
  description = "Karpenter's role."
  value       = aws_iam_role.this.arn
}

output "queue" {
  description = "The queue of interruptions."
  value       = aws_sqs_queue.interruptions.name
}
