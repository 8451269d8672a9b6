# What only this knows of the servers, written to Secrets Manager, from where External Secrets brings it to
# services: where each stands, and the passwords. A password goes from AWS to Secrets Manager and from there to
# the server, and is in no state and no plan.
locals {
  # AWS chooses the name of an entry that it manages itself, so nothing in the cluster could name it. A second
  # region has the first one's users, and copies of their entries.
  administrators = var.secondary ? {} : {
    for name in keys(var.postgres) :
    name => var.entries == null ? "${local.name}-${name}/admin" : "${var.entries.under}/servers/${name}/admin-${var.entries.number}"
    if var.entries != null || contains(keys(local.leading), name)
  }
  passwords = setunion(values(local.administrators), var.entries == null || var.secondary ? [] : var.entries.generated)
  addresses = var.entries == null ? {} : merge(
    { for name in keys(var.postgres) : name => module.postgres[name].endpoint },
    { for name in keys(var.redis) : name => module.redis[name].endpoint },
  )
}

module "password" {
  source   = "./modules/password"
  for_each = local.passwords

  name      = each.value
  replica   = var.standby_region
  protected = var.protected
}

module "address" {
  source   = "./modules/address"
  for_each = local.addresses

  name      = "${var.entries.under}/servers/${each.key}/host"
  host      = each.value
  protected = var.protected
}

# Read back, so that server and secret agree also where an apply ended half way.
ephemeral "aws_secretsmanager_secret_version" "administrator" {
  for_each = local.administrators

  secret_id  = module.password[each.value].id
  version_id = module.password[each.value].version_id
}
