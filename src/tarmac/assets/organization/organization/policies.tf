# What no account may do, its administrators neither. The management account is never held by these.
locals {
  denied = {
    leave-organization = {
      about = "An account stays in the organization"
      statement = {
        Effect   = "Deny"
        Action   = "organizations:LeaveOrganization"
        Resource = "*"
      }
    }
    regions = {
      about = "Nothing is made outside of the regions"
      statement = {
        Effect = "Deny"
        # Services that are in one region for all; the list is AWS's example of this policy.
        NotAction = [
          "account:*", "acm:*", "aws-portal:*", "budgets:*", "ce:*", "cloudfront:*", "config:*",
          "cur:*", "directconnect:*", "ec2:DescribeRegions", "ec2:DescribeTransitGateways",
          "fms:*", "globalaccelerator:*", "health:*", "iam:*", "kms:*", "networkmanager:*",
          "organizations:*", "pricing:*", "route53:*", "route53domains:*", "s3:GetAccountPublic*",
          "s3:ListAllMyBuckets", "s3:PutAccountPublic*", "shield:*", "sts:*", "support:*",
          "trustedadvisor:*", "waf:*", "wafv2:*", "wellarchitected:*",
        ]
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = var.regions } }
      }
    }
    audit = {
      about = "What watches an account is not switched off in it"
      statement = {
        Effect = "Deny"
        Action = [
          "cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "cloudtrail:UpdateTrail",
          "config:DeleteConfigRule", "config:DeleteConfigurationRecorder",
          "config:DeleteDeliveryChannel", "config:StopConfigurationRecorder",
          "guardduty:DeleteDetector", "guardduty:UpdateDetector",
          "securityhub:BatchDisableStandards", "securityhub:DisableSecurityHub",
        ]
        Resource = "*"
        # Terraform enters by this role.
        Condition = { ArnNotLike = { "aws:PrincipalArn" = "arn:aws:iam::*:role/${var.role}" } }
      }
    }
  }
  attached = {
    for pair in setproduct(keys(local.denied), keys(var.accounts)) :
    join(" ", pair) => { policy = pair[0], unit = pair[1] }
  }
}

resource "aws_organizations_policy" "this" {
  for_each = local.denied

  name        = each.key
  description = each.value.about
  type        = "SERVICE_CONTROL_POLICY"
  content     = jsonencode({ Version = "2012-10-17", Statement = [each.value.statement] })

  depends_on = [aws_organizations_organization.this]
}

resource "aws_organizations_policy_attachment" "this" {
  for_each = local.attached

  policy_id = aws_organizations_policy.this[each.value.policy].id
  target_id = aws_organizations_organizational_unit.this[each.value.unit].id
}
