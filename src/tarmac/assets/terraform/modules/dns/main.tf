# The zone of the public hosts, the name of each region's entrance, and what leads from host to entrance.
resource "aws_route53_zone" "this" {
  count = var.existing ? 0 : 1

  name          = var.zone
  comment       = "Public hosts of ${var.name}"
  force_destroy = !var.protected
}

data "aws_route53_zone" "this" {
  count = var.existing ? 1 : 0

  name         = var.zone
  private_zone = false
}

locals {
  zone_id = one(concat(aws_route53_zone.this[*].zone_id, data.aws_route53_zone.this[*].zone_id))
  # Between two regions hosts fail over: failover.tf.
  alone = local.ready ? [] : var.hosts
}

# Every balancer of a kind and a region is in one zone of AWS's own. A network balancer has its region
# behind `elb` in its name, the others before it.
data "aws_lb_hosted_zone_id" "this" {
  for_each = var.balancers

  region             = each.key
  load_balancer_type = endswith(each.value, ".elb.${each.key}.amazonaws.com") ? "network" : "application"
}

# It leads to its own region whatever happens: by it a region is asked for its health, and the distribution
# finds the cluster.
resource "aws_route53_record" "entrance" {
  for_each = var.balancers

  zone_id = local.zone_id
  name    = "entrance-${each.key}.${var.zone}"
  type    = "A"

  alias {
    name                   = each.value
    zone_id                = data.aws_lb_hosted_zone_id.this[each.key].id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "host" {
  for_each = var.cdn == null && contains(keys(var.balancers), var.region) ? local.alone : []

  zone_id = local.zone_id
  name    = each.value
  type    = "A"

  alias {
    name                   = aws_route53_record.entrance[var.region].name
    zone_id                = local.zone_id
    evaluate_target_health = true
  }
}

# CloudFront answers over IPv6, too.
resource "aws_route53_record" "cdn" {
  for_each = var.cdn == null ? {} : {
    for pair in setproduct(var.hosts, ["A", "AAAA"]) : join(" ", pair) => { host = pair[0], type = pair[1] }
  }

  zone_id = local.zone_id
  name    = each.value.host
  type    = each.value.type

  alias {
    name                   = var.cdn.name
    zone_id                = var.cdn.zone_id
    evaluate_target_health = false
  }
}
