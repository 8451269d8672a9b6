resource "aws_kms_key" "data" {
  description             = "Data of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "Redis of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "Redis from ${each.key}"
  referenced_security_group_id = each.value
  from_port                    = 6379
  to_port                      = 6379
  ip_protocol                  = "tcp"
}

# AWS has Redis up to 7.1, and Valkey, which is compatible and costs less, from 7.2 on.
locals {
  numbers = [for part in split(".", var.settings.version) : try(tonumber(part), 0)]
  valkey  = local.numbers[0] > 7 || (local.numbers[0] == 7 && local.numbers[1] >= 2)
}

# No password: the provider has no write-only argument for one, so the state would have it. Only nodes reach it,
# and only by TLS.
resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Redis of ${var.name}"
  engine                     = local.valkey ? "valkey" : "redis"
  engine_version             = var.settings.version
  node_type                  = var.settings.instance
  num_cache_clusters         = var.settings.instances
  automatic_failover_enabled = var.settings.instances > 1
  multi_az_enabled           = var.settings.instances > 1
  port                       = 6379
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.data.arn
  transit_encryption_enabled = true
  snapshot_retention_limit   = var.settings.backup_days
  snapshot_window            = "03:00-04:00"
  maintenance_window         = "sun:04:30-sun:05:30"
  auto_minor_version_upgrade = true
  apply_immediately          = !var.protected
  final_snapshot_identifier  = var.protected ? "${var.name}-final" : null
}
