locals {
  # Names of roles are one space for all regions, so a second region has names of its own.
  primary = "${var.project}-${var.environment}"
  name    = var.secondary ? "${local.primary}-dr" : local.primary

  # A pilot light has one small group, for what is to be there before services are; the others are made
  # when it is to serve, as they are to be.
  lit = [for group in var.node_groups : merge(group, { min = 1, desired = 1, max = 2 }) if !group.spot]
  node_groups = {
    for name, group in merge(var.node_groups, { pilot = local.lit[0] }) :
    name => group if(name == "pilot") == var.pilot_light
  }

  tags = merge(
    { Project = var.project, Environment = var.environment, ManagedBy = "terraform" },
    var.budget == null ? {} : { Budget = local.primary },
  )
}

module "network" {
  source = "./modules/network"

  name            = local.name
  region          = var.region
  network         = var.network
  zones           = var.zones
  public_subnets  = var.public_subnets
  private_subnets = var.private_subnets
  nat_gateways    = var.nat_gateways

  firewall_subnets   = try(var.egress.firewall_subnets, [])
  nat_subnets        = try(var.egress.nat_subnets, [])
  firewall_endpoints = try(module.egress[0].endpoints, {})
}

# What leaves private subnets passes it before a NAT gateway.
module "egress" {
  source = "./modules/egress"
  count  = var.egress == null ? 0 : 1

  name       = local.name
  region     = var.region
  account    = module.network.account
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.firewall_subnet_ids
  hosts      = var.egress.hosts
  protected  = var.protected
}

module "cluster" {
  source = "./modules/cluster"

  name               = local.name
  kubernetes_version = var.kubernetes_version
  vpc_id             = module.network.vpc_id
  private_subnet_ids = module.network.private_subnet_ids
  api_networks       = var.api_networks
  node_groups        = local.node_groups
  tags               = local.tags
}

module "postgres" {
  source   = "./modules/postgres"
  for_each = var.postgres

  name       = "${local.name}-${each.key}"
  settings   = each.value
  protected  = var.protected
  vpc_id     = module.network.vpc_id
  zones      = var.zones
  subnet_ids = module.network.private_subnet_ids
  clients    = { nodes = module.cluster.node_security_group_id }

  global          = lookup(local.spanning, each.key, null)
  password        = contains(keys(local.administrators), each.key) ? ephemeral.aws_secretsmanager_secret_version.administrator[each.key].secret_string : null
  password_number = contains(keys(local.administrators), each.key) ? try(var.entries.number, 1) : null
}

module "vault" {
  source = "./modules/vault"
  count  = var.backup_days == null ? 0 : 1

  name      = local.name
  protected = var.protected
}

module "copies" {
  source    = "./modules/vault"
  count     = var.backup_days == null || var.standby_region == null ? 0 : 1
  providers = { aws = aws.standby }

  name      = "${local.name}-copies"
  protected = var.protected
}

module "backup" {
  source = "./modules/backup"
  count  = var.backup_days == null ? 0 : 1

  name   = local.name
  days   = var.backup_days
  tags   = { Project = var.project, Environment = var.environment }
  vault  = module.vault[0].name
  copies = module.copies[*].arn
}

module "redis" {
  source   = "./modules/redis"
  for_each = var.redis

  name       = "${local.name}-${each.key}"
  settings   = each.value
  protected  = var.protected
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  clients    = { nodes = module.cluster.node_security_group_id }
}

module "registry" {
  source   = "./modules/registry"
  for_each = var.repositories

  name      = each.value
  protected = var.protected
}

module "service_role" {
  source   = "./modules/service_role"
  for_each = var.service_roles

  name      = each.key
  role      = var.secondary ? "${each.value.role}-dr" : each.value.role
  namespace = each.value.namespace
  region    = var.region
  secrets   = each.value.entries
  # The second region has no buckets.
  reads             = [for name in each.value.reads : name if contains(keys(var.buckets), name)]
  writes            = [for name in each.value.writes : name if contains(keys(var.buckets), name)]
  keys              = [for name, bucket in module.bucket : bucket.key_arn if contains(concat(each.value.reads, each.value.writes), name)]
  allows            = each.value.allows
  oidc_provider_arn = module.cluster.oidc_provider_arn
  oidc_issuer       = module.cluster.oidc_issuer
}

module "bucket" {
  source   = "./modules/bucket"
  for_each = var.buckets

  name      = each.key
  days      = each.value
  protected = var.protected
}

module "budget" {
  source = "./modules/budget"
  count  = var.budget == null || var.secondary ? 0 : 1

  name  = local.primary
  month = var.budget.month
  email = var.budget.email
}
