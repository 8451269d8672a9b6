output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "node_security_group_id" {
  description = "The security group that every node has."
  value       = aws_security_group.nodes.id
}

output "cluster_security_group_id" {
  description = "The security group that EKS makes for the cluster."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "node_role" {
  description = "The name of the role of nodes."
  value       = aws_iam_role.node.name
}

output "oidc_provider_arn" {
  description = "What roles of service accounts trust."
  value       = aws_iam_openid_connect_provider.this.arn
}

output "oidc_issuer" {
  description = "The issuer of service accounts' tokens, without https://."
  value       = trimprefix(aws_iam_openid_connect_provider.this.url, "https://")
}
