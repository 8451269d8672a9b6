# What controllers in the cluster may do in AWS: make nodes, and keep backups.
module "karpenter" {
  source = "./modules/karpenter"
  count  = var.karpenter && !var.secondary ? 1 : 0

  name                      = local.name
  region                    = var.region
  node_role                 = module.cluster.node_role
  cluster_security_group_id = module.cluster.cluster_security_group_id
  oidc_provider_arn         = module.cluster.oidc_provider_arn
  oidc_issuer               = module.cluster.oidc_issuer
}

# Snapshots are found by their own tags, so reading takes all of the account.
module "velero" {
  source = "./modules/service_role"
  count  = var.velero == null || var.secondary ? 0 : 1

  name      = "velero"
  role      = "${local.primary}-velero"
  namespace = "velero"
  region    = var.region
  writes    = [var.velero.bucket]
  keys      = [module.bucket[var.velero.bucket].key_arn]
  allows = var.velero.volumes ? {
    "ec2:CreateSnapshot"    = ["arn:aws:ec2:${var.region}::snapshot/*", "arn:aws:ec2:${var.region}:*:volume/*"]
    "ec2:CreateTags"        = ["arn:aws:ec2:${var.region}::snapshot/*", "arn:aws:ec2:${var.region}:*:volume/*"]
    "ec2:CreateVolume"      = ["arn:aws:ec2:${var.region}::snapshot/*", "arn:aws:ec2:${var.region}:*:volume/*"]
    "ec2:DeleteSnapshot"    = ["arn:aws:ec2:${var.region}::snapshot/*"]
    "ec2:DescribeSnapshots" = ["*"]
    "ec2:DescribeVolumes"   = ["*"]
  } : {}
  oidc_provider_arn = module.cluster.oidc_provider_arn
  oidc_issuer       = module.cluster.oidc_issuer
}
