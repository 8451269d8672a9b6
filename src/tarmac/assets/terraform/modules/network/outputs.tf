output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "The public subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "The private subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "firewall_subnet_ids" {
  description = "The subnets of a firewall's endpoints, in the order of the zones; none without one."
  value       = [for zone in var.zones : aws_subnet.firewall[zone].id if local.inspected]
}

output "account" {
  description = "The account of the VPC."
  value       = aws_vpc.this.owner_id
}
