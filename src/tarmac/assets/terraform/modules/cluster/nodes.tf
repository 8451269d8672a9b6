# A node has this group beside the cluster's own: stores let in what has it. It needs no rule.
resource "aws_security_group" "nodes" {
  name        = "${var.name}-nodes"
  description = "Nodes of the cluster ${var.name}"
  vpc_id      = var.vpc_id

  tags = {
    Name                     = "${var.name}-nodes"
    "karpenter.sh/discovery" = var.name
  }
}

resource "aws_launch_template" "this" {
  for_each = var.node_groups

  name                   = "${var.name}-${each.key}"
  update_default_version = true
  vpc_security_group_ids = [
    aws_eks_cluster.this.vpc_config[0].cluster_security_group_id,
    aws_security_group.nodes.id,
  ]

  # IMDSv2, and one hop: a pod does not get the node's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # Bottlerocket keeps its system on the first disk, images and logs on this.
  block_device_mappings {
    device_name = "/dev/xvdb"
    ebs {
      volume_size           = each.value.disk_gb
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])
    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = "${var.name}-${each.key}" })
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = var.node_groups

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = var.private_subnet_ids
  version         = var.kubernetes_version
  ami_type        = each.value.image
  instance_types  = each.value.instance_types
  capacity_type   = each.value.spot ? "SPOT" : "ON_DEMAND"
  labels          = merge({ role = each.key }, each.value.spot ? { capacity = "spot" } : {})

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  scaling_config {
    min_size     = each.value.min
    desired_size = each.value.desired
    max_size     = each.value.max
  }

  update_config {
    max_unavailable_percentage = 33
  }

  # A spot node goes at two minutes' notice: only what tolerates that is there.
  dynamic "taint" {
    for_each = each.value.spot ? ["spot"] : []
    content {
      key    = "capacity"
      value  = taint.value
      effect = "NO_SCHEDULE"
    }
  }

  lifecycle {
    # An autoscaler owns the number once it runs.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.node]
}
