output "trail_bucket" {
  description = "Where the account's trail and the records of AWS Config are."
  value       = module.trail.bucket
}

output "detectors" {
  description = "GuardDuty's detector of each region."
  value       = merge({ (var.region) = module.audit.detector }, { for one in module.audit_second : var.second_region => one.detector })
}
