# What experiments of AWS FIS in this environment need: `tarmac drill ... --export fis` names them.
module "experiments" {
  source = "./modules/experiments"
  count  = var.experiments == null || var.secondary ? 0 : 1

  namespace = var.experiments.namespace
  alarms    = var.experiments.alarms
  region    = var.region
  account   = coalesce(var.account, split(":", module.cluster.oidc_provider_arn)[4])
  vpc_id    = module.network.vpc_id
  tags      = { Project = var.project, Environment = var.environment }
}
