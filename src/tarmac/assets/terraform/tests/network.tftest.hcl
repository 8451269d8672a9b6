# `terraform init -backend=false && terraform test`: of each module what it promises, without an account.
mock_provider "aws" {}

variables {
  name            = "demo-test"
  region          = "eu-central-1"
  network         = "10.1.0.0/16"
  zones           = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  public_subnets  = ["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"]
  private_subnets = ["10.1.10.0/24", "10.1.20.0/24", "10.1.30.0/24"]
  nat_gateways    = 3
}

run "a_gateway_in_each_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "Each zone leaves by a gateway of its own."
  }
}

run "one_gateway_for_all_zones" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat_gateways = 1
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route.nat) == 3
    error_message = "All zones leave by the gateway of the first."
  }
}

run "two_gateways_for_three_zones_are_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat_gateways = 2
  }

  expect_failures = [var.nat_gateways]
}

run "a_zone_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    region = "us-east-1"
  }

  expect_failures = [var.zones]
}

run "a_network_that_no_vpc_can_have_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    network = "10.0.0.0/8"
  }

  expect_failures = [var.network]
}
