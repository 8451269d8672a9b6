module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 20.0"

  cluster_name    = "shop-${var.environment}"
  cluster_version = "1.36"

  eks_managed_node_groups = {
    general = {
      instance_types = ["m6i.large"]
      min_size       = var.eks_node_min_size
      max_size       = var.eks_node_max_size
      desired_size   = var.eks_node_desired_size
    }
  }
}
