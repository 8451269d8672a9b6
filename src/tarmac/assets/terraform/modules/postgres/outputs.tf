output "endpoint" {
  description = "The name of the server that takes writes."
  value       = one(concat(aws_rds_cluster.this[*].endpoint, aws_db_instance.this[*].address))
}

output "reader_endpoint" {
  description = "The name under which Aurora's readers answer; null for RDS."
  value       = one(aws_rds_cluster.this[*].reader_endpoint)
}

output "master_secret_arn" {
  description = "Where AWS keeps the administrator's password; null for a global database, which it does not do that for."
  value = try(one(concat(
    flatten(aws_rds_cluster.this[*].master_user_secret[*].secret_arn),
    flatten(aws_db_instance.this[*].master_user_secret[*].secret_arn),
  )), null)
}
