resource "aws_iam_role_policy" "nodes" {
  name = "nodes"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "MakeOfWhatIsThere"
        Effect   = "Allow"
        Action   = ["ec2:CreateFleet", "ec2:RunInstances"]
        Resource = concat(["arn:aws:ec2:${var.region}::image/*", "arn:aws:ec2:${var.region}::snapshot/*"], [for kind in ["capacity-reservation", "security-group", "subnet"] : "${local.ec2}:${kind}/*"])
      },
      {
        Sid       = "MakeOfItsOwnTemplates"
        Effect    = "Allow"
        Action    = ["ec2:CreateFleet", "ec2:RunInstances"]
        Resource  = "${local.ec2}:launch-template/*"
        Condition = local.of_resource
      },
      {
        Sid       = "MakeWithItsTags"
        Effect    = "Allow"
        Action    = ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"]
        Resource  = local.made
        Condition = local.of_request
      },
      {
        Sid       = "TagWhatItMakes"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = local.made
        Condition = merge(local.of_request, { StringEquals = merge(local.of_request.StringEquals, { "ec2:CreateAction" = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"] }) })
      },
      {
        Sid       = "NameItsInstances"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "${local.ec2}:instance/*"
        Condition = merge(local.of_resource, { "ForAllValues:StringEquals" = { "aws:TagKeys" = ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"] } })
      },
      {
        Sid       = "DeleteItsOwn"
        Effect    = "Allow"
        Action    = ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"]
        Resource  = ["${local.ec2}:instance/*", "${local.ec2}:launch-template/*"]
        Condition = local.of_resource
      },
      {
        Sid    = "ReadTheRegion"
        Effect = "Allow"
        Action = [
          "ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
          "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplates",
          "ec2:DescribePlacementGroups", "ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
        ]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = "arn:aws:ssm:${var.region}::parameter/aws/service/*"
      },
      {
        Sid      = "ReadPrices"
        Effect   = "Allow"
        Action   = "pricing:GetProducts"
        Resource = "*"
      },
      {
        Sid      = "HearInterruptions"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
        Resource = aws_sqs_queue.interruptions.arn
      },
      {
        Sid       = "GiveNodesTheirRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "arn:aws:iam::${local.account}:role/${var.node_role}"
        Condition = { StringEquals = { "iam:PassedToService" = ["ec2.amazonaws.com"] } }
      },
      {
        Sid       = "MakeProfiles"
        Effect    = "Allow"
        Action    = "iam:CreateInstanceProfile"
        Resource  = "arn:aws:iam::${local.account}:instance-profile/*"
        Condition = local.of_new_profile
      },
      {
        Sid    = "TagProfiles"
        Effect = "Allow"
        Action = "iam:TagInstanceProfile"
        Condition = {
          StringEquals = merge(local.of_profile.StringEquals, local.of_new_profile.StringEquals)
          StringLike   = merge(local.of_profile.StringLike, local.of_new_profile.StringLike)
        }
        Resource = "arn:aws:iam::${local.account}:instance-profile/*"
      },
      {
        Sid       = "ChangeItsProfiles"
        Effect    = "Allow"
        Action    = ["iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"]
        Resource  = "arn:aws:iam::${local.account}:instance-profile/*"
        Condition = local.of_profile
      },
      {
        Sid      = "ReadProfiles"
        Effect   = "Allow"
        Action   = ["iam:GetInstanceProfile", "iam:ListInstanceProfiles"]
        Resource = "*"
      },
      {
        Sid      = "FindTheCluster"
        Effect   = "Allow"
        Action   = "eks:DescribeCluster"
        Resource = "arn:aws:eks:${var.region}:${local.account}:cluster/${var.name}"
      },
    ]
  })
}
