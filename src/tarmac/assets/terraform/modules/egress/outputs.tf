output "endpoints" {
  description = "The endpoint in each zone, which routes lead to."
  value = {
    for zone in aws_networkfirewall_firewall.this.firewall_status[0].sync_states :
    zone.availability_zone => zone.attachment[0].endpoint_id
  }
}

output "log" {
  description = "Where it says what it dropped."
  value       = aws_cloudwatch_log_group.alerts.name
}
