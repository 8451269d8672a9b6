# What is asked from the internet: names, the distribution before the hosts, its certificate and its rules.
module "dns" {
  source = "./modules/dns"
  count  = var.dns == null ? 0 : 1

  name        = local.name
  zone        = var.dns.zone
  existing    = var.dns.existing
  hosts       = var.dns.hosts
  balancers   = var.dns.balancers
  region      = var.region
  standby     = var.dns.standby
  health_path = var.dns.health_path
  protected   = var.protected

  cdn = var.cdn == null ? null : {
    name    = module.cdn[0].name
    zone_id = module.cdn[0].zone_id
  }
}

# ExternalDNS makes the records of hosts, in this zone and in no other. To list zones takes every zone.
module "records" {
  source = "./modules/service_role"
  count  = try(var.dns.followed, false) ? 1 : 0

  name      = "external-dns"
  role      = "${local.primary}-external-dns"
  namespace = "external-dns"
  region    = var.region
  allows = {
    "route53:ChangeResourceRecordSets" = ["arn:aws:route53:::hostedzone/${module.dns[0].zone_id}"]
    "route53:ListResourceRecordSets"   = ["arn:aws:route53:::hostedzone/${module.dns[0].zone_id}"]
    "route53:ListTagsForResources"     = ["arn:aws:route53:::hostedzone/${module.dns[0].zone_id}"]
    "route53:ListHostedZones"          = ["*"]
  }
  oidc_provider_arn = module.cluster.oidc_provider_arn
  oidc_issuer       = module.cluster.oidc_issuer
}

module "certificate" {
  source    = "./modules/certificate"
  count     = var.cdn == null ? 0 : 1
  providers = { aws = aws.cloudfront }

  hosts   = var.dns.hosts
  zone_id = module.dns[0].zone_id
}

module "firewall" {
  source    = "./modules/firewall"
  count     = var.cdn == null ? 0 : 1
  providers = { aws = aws.cloudfront }

  name     = local.name
  scope    = "CLOUDFRONT"
  requests = var.cdn.requests
}

module "cdn" {
  source = "./modules/cdn"
  count  = var.cdn == null ? 0 : 1

  name            = local.name
  hosts           = var.dns.hosts
  entrance        = module.dns[0].origin
  bucket          = var.cdn.bucket
  files           = var.cdn.files
  challenges      = var.cdn.challenges
  certificate_arn = module.certificate[0].arn
  web_acl_arn     = module.firewall[0].arn
  protected       = var.protected
}
