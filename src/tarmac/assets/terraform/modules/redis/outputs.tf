output "endpoint" {
  description = "The name of the node that takes writes."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}
