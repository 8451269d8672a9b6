# People sign in to accounts by groups of IAM Identity Center. To switch that on, and to put people into groups
# or to have another directory do so, is by hand: no API does the one, and no file is to name the others.
data "aws_ssoadmin_instances" "this" {}

locals {
  instance = one(data.aws_ssoadmin_instances.this.arns)
  store    = one(data.aws_ssoadmin_instances.this.identity_store_ids)
  policies = merge([
    for name, one in var.access : { for policy in one.policies : "${name} ${policy}" => { group = name, policy = policy } }
  ]...)
  assigned = merge([
    for name, one in var.access : { for account in one.accounts : "${name} ${account}" => { group = name, account = account } }
  ]...)
}

resource "aws_identitystore_group" "this" {
  for_each = var.access

  identity_store_id = local.store
  display_name      = each.key
  description       = "${each.key} of ${var.name}"
}

resource "aws_ssoadmin_permission_set" "this" {
  for_each = var.access

  instance_arn     = local.instance
  name             = each.key
  description      = "What ${each.key} of ${var.name} may do"
  session_duration = "PT${each.value.hours}H"
}

resource "aws_ssoadmin_managed_policy_attachment" "this" {
  for_each = local.policies

  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.this[each.value.group].arn
  managed_policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

resource "aws_ssoadmin_account_assignment" "this" {
  for_each = local.assigned

  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.this[each.value.group].arn
  principal_type     = "GROUP"
  principal_id       = aws_identitystore_group.this[each.value.group].group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = aws_organizations_account.this[each.value.account].id

  depends_on = [aws_ssoadmin_managed_policy_attachment.this]
}
