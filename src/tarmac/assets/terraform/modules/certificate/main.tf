# A certificate that AWS renews by itself, as long as the records that prove the hosts stay.
locals {
  hosts = sort(var.hosts)
}

resource "aws_acm_certificate" "this" {
  domain_name               = local.hosts[0]
  subject_alternative_names = slice(local.hosts, 1, length(local.hosts))
  validation_method         = "DNS"
  key_algorithm             = "EC_prime256v1"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  proofs = { for proof in aws_acm_certificate.this.domain_validation_options : proof.domain_name => proof }
}

resource "aws_route53_record" "proof" {
  for_each = var.hosts

  zone_id = var.zone_id
  name    = local.proofs[each.value].resource_record_name
  type    = local.proofs[each.value].resource_record_type
  records = [local.proofs[each.value].resource_record_value]
  ttl     = 300
  # The next certificate of a host is proven by the record of the last one.
  allow_overwrite = true
}

# What uses it waits until it is issued.
resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}
