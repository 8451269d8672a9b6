output "vpc_id" {
  description = "The VPC."
  value       = module.network.vpc_id
}

output "eks_cluster_name" {
  description = "For `aws eks update-kubeconfig --name`."
  value       = module.cluster.name
}

output "rds_endpoint" {
  description = "The address of each PostgreSQL server that takes writes."
  value       = { for name, server in module.postgres : name => server.endpoint }
}

output "rds_master_secret" {
  description = "Where AWS keeps the password of each server's administrator, and renews it."
  value       = { for name, server in module.postgres : name => server.master_secret_arn }
}

output "redis_endpoint" {
  description = "The address of each Redis server that takes writes; its scheme is rediss."
  value       = { for name, server in module.redis : name => server.endpoint }
}

output "repositories" {
  description = "What images are pushed to and pulled from."
  value       = { for name, repository in module.registry : name => repository.url }
}

output "role_arns" {
  description = "The role of each service account, as its annotation eks.amazonaws.com/role-arn says it."
  value       = { for name, reader in module.secrets : name => reader.role_arn }
}

output "buckets" {
  description = "The buckets."
  value       = [for bucket in module.bucket : bucket.name]
}
