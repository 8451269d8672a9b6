output "id" {
  description = "The entry's ARN."
  value       = aws_secretsmanager_secret.this.id
}
