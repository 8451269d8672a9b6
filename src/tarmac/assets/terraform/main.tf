locals {
  name = "${var.project}-${var.environment}"

  tags = {
    Project     = var.project
    Environment = var.environment
    ManagedBy   = "terraform"
  }
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
}

module "cluster" {
  source = "./modules/cluster"

  name               = local.name
  kubernetes_version = var.kubernetes_version
  vpc_id             = module.network.vpc_id
  private_subnet_ids = module.network.private_subnet_ids
  api_networks       = var.api_networks
  node_groups        = var.node_groups
  tags               = local.tags
}

module "postgres" {
  source   = "./modules/postgres"
  for_each = var.postgres

  name       = "${local.name}-${each.key}"
  settings   = each.value
  protected  = var.protected
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  clients    = { nodes = module.cluster.node_security_group_id }
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

module "secrets" {
  source   = "./modules/secrets"
  for_each = var.secret_readers

  name              = each.key
  namespace         = each.value.namespace
  region            = var.region
  prefix            = each.value.prefix
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
