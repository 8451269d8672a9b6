output "accounts" {
  description = "The number of each account, which the model is to have."
  value       = { for name, account in aws_organizations_account.this : name => account.id }
}

output "units" {
  description = "The organizational unit of each account."
  value       = { for name, unit in aws_organizations_organizational_unit.this : name => unit.id }
}
