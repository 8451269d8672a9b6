resource "aws_rds_cluster_parameter_group" "this" {
  count = local.aurora ? 1 : 0

  name        = "${var.name}-${var.settings.version}"
  description = "TLS only; statements that change tables or take a second are logged"
  family      = "aurora-postgresql${var.settings.version}"

  dynamic "parameter" {
    for_each = local.parameters
    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster" "this" {
  count = local.aurora ? 1 : 0

  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  # The major alone: AWS retires minors, and then nothing can be made by them.
  engine_version = var.settings.version
  # A second region has the first one's administrator.
  master_username = local.follows ? null : "postgres"
  # Without one that is given AWS makes it, keeps it and renews it.
  manage_master_user_password         = local.follows || var.password_number != null ? null : true
  master_password_wo                  = var.password_number == null ? null : var.password
  master_password_wo_version          = var.password_number
  global_cluster_identifier           = local.follows ? var.global.identifier : null
  iam_database_authentication_enabled = true
  db_subnet_group_name                = aws_db_subnet_group.this.name
  vpc_security_group_ids              = [aws_security_group.this.id]
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.this[0].name
  storage_encrypted                   = true
  kms_key_id                          = aws_kms_key.data.arn
  backup_retention_period             = var.settings.backup_days
  preferred_backup_window             = local.windows.backup
  preferred_maintenance_window        = local.windows.maintenance
  copy_tags_to_snapshot               = true
  enabled_cloudwatch_logs_exports     = ["postgresql"]
  deletion_protection                 = var.protected
  apply_immediately                   = !var.protected
  skip_final_snapshot                 = !var.protected
  final_snapshot_identifier           = "${var.name}-final"

  lifecycle {
    # AWS writes what leads, and after a failover that is the other region.
    ignore_changes = [global_cluster_identifier, replication_source_identifier]
  }
}

# The first writes, and AWS promotes another when it fails: each is in the zone after the last one's.
resource "aws_rds_cluster_instance" "this" {
  count = local.aurora ? var.settings.instances : 0

  identifier                      = "${var.name}-${count.index}"
  cluster_identifier              = aws_rds_cluster.this[0].id
  engine                          = aws_rds_cluster.this[0].engine
  engine_version                  = var.settings.version
  instance_class                  = var.settings.instance
  db_subnet_group_name            = aws_db_subnet_group.this.name
  availability_zone               = element(var.zones, count.index)
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  promotion_tier                  = count.index
  copy_tags_to_snapshot           = true
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.data.arn
  apply_immediately               = !var.protected
}
