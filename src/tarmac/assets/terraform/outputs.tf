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
  description = "Where the password of each server's administrator is; what AWS manages itself it renews."
  value = {
    for name, server in module.postgres :
    name => try(module.password[local.administrators[name]].id, server.master_secret_arn)
  }
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
  value       = { for name, role in module.service_role : name => role.role_arn }
}

output "buckets" {
  description = "The buckets."
  value       = [for bucket in module.bucket : bucket.name]
}

output "name_servers" {
  description = "What the registrar, or the zone above, has to name before the hosts are found."
  value       = one(module.dns[*].name_servers)
}

output "entrances" {
  description = "The name under which each region's ingress is reached past the distribution."
  value       = one(module.dns[*].entrances)
}

output "web_acl_arn" {
  description = "The rules of the firewall before the public hosts."
  value       = one(module.firewall[*].arn)
}

output "files_bucket" {
  description = "The bucket from which the distribution serves files."
  value       = one(module.cdn[*].bucket)
}

output "distribution_id" {
  description = "For `aws cloudfront create-invalidation --distribution-id`."
  value       = one(module.cdn[*].id)
}

output "alarms" {
  description = "The alarms that stop an experiment of AWS FIS."
  value       = try(module.experiments[0].alarms, [])
}
