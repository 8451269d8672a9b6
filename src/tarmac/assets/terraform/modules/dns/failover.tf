# Route 53 asks each region's entrance, and answers with the second region's while the first one fails.
locals {
  # A region without a balancer has no entrance that could be asked, and hosts lead to the other one.
  ready = var.standby == null ? false : length(setsubtract([var.region, var.standby], keys(var.balancers))) == 0
  roles = local.ready ? { PRIMARY = var.region, SECONDARY = var.standby } : {}
  # A CDN stays where it is, and what it finds the cluster by fails over.
  moved = var.cdn == null ? var.hosts : ["entrance.${var.zone}"]
  moving = {
    for pair in setproduct(local.moved, keys(local.roles)) :
    join(" ", pair) => { host = pair[0], role = pair[1], region = local.roles[pair[1]] }
  }
}

# Three failures 10 s apart: 30 s, and then what resolvers keep.
resource "aws_route53_health_check" "this" {
  for_each = toset(values(local.roles))

  fqdn              = aws_route53_record.entrance[each.value].fqdn
  type              = "HTTPS"
  port              = 443
  enable_sni        = true
  resource_path     = var.health_path
  failure_threshold = 3
  request_interval  = 10

  tags = { Name = "${var.name} ${each.value}" }
}

# A name below the zone's own: its answers are kept for 10 s. Those of an alias of a balancer are kept for
# 60 s, whatever is written here.
resource "aws_route53_record" "failover" {
  for_each = { for key, record in local.moving : key => record if record.host != var.zone }

  zone_id         = local.zone_id
  name            = each.value.host
  type            = "CNAME"
  ttl             = 10
  records         = [aws_route53_record.entrance[each.value.region].fqdn]
  set_identifier  = each.value.region
  health_check_id = aws_route53_health_check.this[each.value.region].id

  failover_routing_policy {
    type = each.value.role
  }
}

# The zone's own name cannot be a CNAME.
resource "aws_route53_record" "failover_of_zone" {
  for_each = { for key, record in local.moving : key => record if record.host == var.zone }

  zone_id         = local.zone_id
  name            = each.value.host
  type            = "A"
  set_identifier  = each.value.region
  health_check_id = aws_route53_health_check.this[each.value.region].id

  alias {
    name                   = aws_route53_record.entrance[each.value.region].name
    zone_id                = local.zone_id
    evaluate_target_health = true
  }

  failover_routing_policy {
    type = each.value.role
  }
}
