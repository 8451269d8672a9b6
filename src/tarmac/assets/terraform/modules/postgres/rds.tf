resource "aws_db_parameter_group" "this" {
  count = local.aurora ? 0 : 1

  name        = "${var.name}-${var.settings.version}"
  description = "TLS only; statements that change tables or take a second are logged"
  family      = "postgres${var.settings.version}"

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

resource "aws_db_instance" "this" {
  count = local.aurora ? 0 : 1

  identifier = var.name
  engine     = "postgres"
  # The major alone: AWS retires minors, and then nothing can be made by them.
  engine_version                      = var.settings.version
  instance_class                      = var.settings.instance
  allocated_storage                   = var.settings.disk_gb
  max_allocated_storage               = var.settings.disk_gb * 4
  storage_type                        = "gp3"
  storage_encrypted                   = true
  kms_key_id                          = aws_kms_key.data.arn
  username                            = "postgres"
  manage_master_user_password         = var.password_number == null ? true : null
  password_wo                         = var.password_number == null ? null : var.password
  password_wo_version                 = var.password_number
  iam_database_authentication_enabled = true
  # A second instance in another zone takes over; it cannot be read.
  multi_az                        = var.settings.instances > 1
  publicly_accessible             = false
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  parameter_group_name            = aws_db_parameter_group.this[0].name
  backup_retention_period         = var.settings.backup_days
  backup_window                   = local.windows.backup
  maintenance_window              = local.windows.maintenance
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.data.arn
  deletion_protection             = var.protected
  apply_immediately               = !var.protected
  skip_final_snapshot             = !var.protected
  final_snapshot_identifier       = "${var.name}-final"
}
