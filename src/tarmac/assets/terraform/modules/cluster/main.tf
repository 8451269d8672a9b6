# EKS. Rights in it are given by access entries, not by the config map of old.
resource "aws_kms_key" "secrets" {
  description             = "Secrets of the cluster ${var.name}, as etcd keeps them"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "secrets" {
  name          = "alias/${var.name}-eks"
  target_key_id = aws_kms_key.secrets.key_id
}

# EKS would make it, and keep it for ever.
resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = 365
}

resource "aws_eks_cluster" "this" {
  name                      = var.name
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.cluster.arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = aws_kms_key.secrets.arn
    }
  }

  vpc_config {
    subnet_ids              = var.private_subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.api_networks) > 0
    public_access_cidrs     = length(var.api_networks) > 0 ? var.api_networks : null
  }

  depends_on = [
    aws_cloudwatch_log_group.control_plane,
    aws_iam_role_policy.secrets,
    aws_iam_role_policy_attachment.cluster,
  ]
}

# By it a service account has a role: https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
resource "aws_iam_openid_connect_provider" "this" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  addon_settings = {
    # The agent that enforces the network policies of the rendered objects.
    vpc-cni = jsonencode({ enableNetworkPolicy = "true" })
    # Disks of pods have the tags, by which they are paid for and backed up. EKS has no default class of
    # its own, and claims without one would wait for ever.
    aws-ebs-csi-driver = jsonencode({
      controller          = { extraVolumeTags = var.tags }
      defaultStorageClass = { enabled = true }
    })
  }
}

# No version of their own: AWS then takes the version that suits the cluster's.
resource "aws_eks_addon" "this" {
  for_each = {
    coredns            = null
    kube-proxy         = null
    vpc-cni            = null
    aws-ebs-csi-driver = aws_iam_role.ebs.arn
    metrics-server     = null # autoscalers read it
  }

  cluster_name             = aws_eks_cluster.this.name
  addon_name               = each.key
  service_account_role_arn = each.value
  # A new cluster has the first three already, as EKS sets them up.
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  configuration_values        = lookup(local.addon_settings, each.key, null)

  depends_on = [aws_eks_node_group.this]
}
