output "id" {
  description = "The entry's ARN."
  value       = aws_secretsmanager_secret.this.id
}

output "version_id" {
  description = "The version that holds the password."
  value       = aws_secretsmanager_secret_version.this.version_id
}
