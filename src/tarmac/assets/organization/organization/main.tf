# The organization: an account for each environment and one for what they share, each in a unit of its own, so
# that a policy can be tried on one of them.
resource "aws_organizations_organization" "this" {
  feature_set          = "ALL"
  enabled_policy_types = ["SERVICE_CONTROL_POLICY"]
  aws_service_access_principals = [
    "account.amazonaws.com",
    "access-analyzer.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "guardduty.amazonaws.com",
    "securityhub.amazonaws.com",
    "sso.amazonaws.com",
  ]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_organizations_organizational_unit" "this" {
  for_each = var.accounts

  name      = each.key
  parent_id = aws_organizations_organization.this.roots[0].id
}

# An account is never closed by a plan: its name has to be taken out of the state by a person.
resource "aws_organizations_account" "this" {
  for_each = var.accounts

  name                       = "${var.name}-${each.key}"
  email                      = each.value
  parent_id                  = aws_organizations_organizational_unit.this[each.key].id
  role_name                  = var.role
  iam_user_access_to_billing = "DENY"
  close_on_deletion          = false

  lifecycle {
    prevent_destroy = true
    # AWS does not say them afterwards.
    ignore_changes = [role_name, iam_user_access_to_billing]
  }
}
