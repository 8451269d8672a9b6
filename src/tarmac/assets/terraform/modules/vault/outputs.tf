output "name" {
  description = "The vault."
  value       = aws_backup_vault.this.name
}

output "arn" {
  description = "The vault, as other regions name it."
  value       = aws_backup_vault.this.arn
}
