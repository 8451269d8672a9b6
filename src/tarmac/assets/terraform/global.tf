# Aurora in two regions. AWS keeps no password of a global database, so one is made here, once: it goes from
# AWS to Secrets Manager and from there to the server, and is in no state and no plan.
locals {
  # RDS instances have a disk, and are of one region.
  spanning = var.standby_region == null && !var.secondary ? {} : {
    for name, server in var.postgres : name => {
      identifier = "${local.primary}-${name}"
      primary    = !var.secondary
    } if server.disk_gb == null
  }
  leading = var.secondary ? {} : local.spanning
}

resource "aws_secretsmanager_secret" "master" {
  for_each = local.leading

  name                    = "${local.name}-${each.key}-master"
  description             = "Administrator of ${local.name}-${each.key}"
  recovery_window_in_days = var.protected ? 30 : 0

  replica {
    region = var.standby_region
  }
}

ephemeral "aws_secretsmanager_random_password" "master" {
  for_each = local.leading

  exclude_punctuation = true
  # Known once the secret is there: a plan from nothing asks AWS for nothing.
  password_length = aws_secretsmanager_secret.master[each.key].arn == "" ? 0 : 40
}

resource "aws_secretsmanager_secret_version" "master" {
  for_each = local.leading

  secret_id = aws_secretsmanager_secret.master[each.key].id
  secret_string_wo = jsonencode({
    username = "postgres"
    password = ephemeral.aws_secretsmanager_random_password.master[each.key].random_password
  })
  secret_string_wo_version = 1
}

# Read back, so that server and secret agree also where an apply ended half way.
ephemeral "aws_secretsmanager_secret_version" "master" {
  for_each = local.leading

  secret_id  = aws_secretsmanager_secret.master[each.key].id
  version_id = aws_secretsmanager_secret_version.master[each.key].version_id
}
