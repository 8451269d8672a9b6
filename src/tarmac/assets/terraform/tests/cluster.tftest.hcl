mock_provider "aws" {}

variables {
  name               = "demo-test"
  kubernetes_version = "1.36"
  vpc_id             = "vpc-1"
  private_subnet_ids = ["subnet-1", "subnet-2"]
  api_networks       = []
  tags               = { Project = "demo" }
  node_groups = {
    general = {
      instance_types = ["m7g.large"]
      image          = "BOTTLEROCKET_ARM_64"
      min            = 2
      desired        = 2
      max            = 4
      disk_gb        = 50
      spot           = false
    }
  }
}

run "without_networks_the_api_server_is_private" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The API server is reached from the VPC only."
  }

  assert {
    condition     = aws_eks_node_group.this["general"].labels["role"] == "general" && length(aws_eks_node_group.this["general"].taint) == 0
    error_message = "Nodes that stay have the label of their group, and no taint."
  }
}

run "the_whole_internet_is_refused" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    api_networks = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_networks]
}

run "spot_nodes_alone_are_refused" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = {
      spot = {
        instance_types = ["m7g.large"]
        image          = "BOTTLEROCKET_ARM_64"
        min            = 2
        desired        = 2
        max            = 4
        disk_gb        = 50
        spot           = true
      }
    }
  }

  expect_failures = [var.node_groups]
}
