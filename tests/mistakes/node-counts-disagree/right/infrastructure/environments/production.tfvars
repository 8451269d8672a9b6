environment = "production"

eks_node_min_size     = 3
eks_node_max_size     = 20
eks_node_desired_size = 5
