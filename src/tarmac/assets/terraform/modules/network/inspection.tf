# With a firewall on the way out: private subnet, endpoint of its zone, NAT gateway, internet - and back the
# same way, or the firewall would see half of each connection. NAT gateways have subnets of their own then:
# the way back is a route of their subnet, and what a load balancer in the public one asks has no such way.
locals {
  inspected = length(var.firewall_subnets) > 0
  firewall  = local.inspected ? zipmap(var.zones, var.firewall_subnets) : {}
  behind    = local.inspected ? { for zone in local.nat : zone => var.nat_subnets[index(var.zones, zone)] } : {}
}

resource "aws_subnet" "firewall" {
  for_each = local.firewall

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-firewall-${each.key}" }
}

resource "aws_subnet" "nat" {
  for_each = local.behind

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_route_table" "firewall" {
  for_each = local.firewall

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-firewall-${each.key}" }
}

resource "aws_route" "inspected" {
  for_each = local.firewall

  route_table_id         = aws_route_table.firewall[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[local.leaving[each.key]].id
}

resource "aws_route_table_association" "firewall" {
  for_each = aws_subnet.firewall

  subnet_id      = each.value.id
  route_table_id = aws_route_table.firewall[each.key].id
}

resource "aws_route_table" "nat" {
  for_each = local.behind

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_route" "nat_internet" {
  for_each = local.behind

  route_table_id         = aws_route_table.nat[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

# More exact than the route of the VPC itself, by which an answer would pass the firewall by.
resource "aws_route" "back" {
  for_each = { for zone in keys(local.firewall) : zone => local.leaving[zone] }

  route_table_id         = aws_route_table.nat[each.value].id
  destination_cidr_block = local.private[each.key]
  vpc_endpoint_id        = var.firewall_endpoints[each.key]
}

resource "aws_route_table_association" "nat" {
  for_each = aws_subnet.nat

  subnet_id      = each.value.id
  route_table_id = aws_route_table.nat[each.key].id
}
