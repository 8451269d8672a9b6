output "zone_id" {
  description = "The zone."
  value       = local.zone_id
}

output "name_servers" {
  description = "What the registrar, or the zone above, has to name before anything here is found."
  value       = one(concat(aws_route53_zone.this[*].name_servers, data.aws_route53_zone.this[*].name_servers))
}

output "entrances" {
  description = "The name of each region's entrance."
  value       = { for region, record in aws_route53_record.entrance : region => record.fqdn }
}

output "origin" {
  description = "The name by which a CDN finds the cluster that serves."
  value       = local.ready ? "entrance.${var.zone}" : "entrance-${var.region}.${var.zone}"
}

output "health_checks" {
  description = "The health check of each region."
  value       = { for region, check in aws_route53_health_check.this : region => check.id }
}
