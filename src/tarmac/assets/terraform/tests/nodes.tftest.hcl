mock_provider "aws" {}

variables {
  name                      = "demo-test"
  region                    = "eu-central-1"
  node_role                 = "demo-test-node"
  cluster_security_group_id = "sg-0123456789abcdef0"
  oidc_provider_arn         = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/X"
  oidc_issuer               = "oidc.eks.eu-central-1.amazonaws.com/id/X"
}

run "it_hears_what_is_taken_back_and_changes_nothing_without_its_tag" {
  command = apply

  module {
    source = "./modules/karpenter"
  }

  override_resource {
    target = aws_sqs_queue.interruptions
    values = { arn = "arn:aws:sqs:eu-central-1:123456789012:demo-test", id = "https://sqs.eu-central-1.amazonaws.com/123456789012/demo-test" }
  }

  assert {
    condition     = length(aws_cloudwatch_event_target.this) == 4 && alltrue([for one in aws_cloudwatch_event_target.this : one.arn == aws_sqs_queue.interruptions.arn])
    error_message = "All four events go to the queue."
  }

  assert {
    condition     = aws_ec2_tag.cluster_security_group.key == "karpenter.sh/discovery" && aws_ec2_tag.cluster_security_group.value == "demo-test"
    error_message = "The cluster's own security group is found by the tag of discovery."
  }

  assert {
    condition = alltrue([
      for one in jsondecode(aws_iam_role_policy.nodes.policy).Statement : can(one.Condition)
      if length(setintersection(flatten([one.Action]), ["ec2:TerminateInstances", "ec2:CreateTags", "ec2:CreateLaunchTemplate", "iam:PassRole", "iam:DeleteInstanceProfile"])) > 0
    ])
    error_message = "Whatever changes or deletes something asks for the cluster's tag."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["${var.oidc_issuer}:sub"] == "system:serviceaccount:karpenter:karpenter"
    error_message = "Only Karpenter's service account has the role."
  }

  assert {
    condition     = length(aws_iam_role_policy.nodes.policy) < 10240
    error_message = "AWS takes 10,240 characters of a role's own policies."
  }
}
