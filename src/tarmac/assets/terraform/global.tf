# Aurora in two regions. AWS keeps no password of a global database: entries.tf makes one.
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
