# Applied to nothing, with what AWS would answer: where the endpoints are is known once they stand.
mock_provider "aws" {
  mock_resource "aws_kms_key" {
    defaults = {
      arn = "arn:aws:kms:eu-central-1:123456789012:key/0b1c2d3e"
    }
  }

  mock_resource "aws_networkfirewall_rule_group" {
    defaults = {
      arn = "arn:aws:network-firewall:eu-central-1:123456789012:stateful-rulegroup/demo"
    }
  }

  mock_resource "aws_networkfirewall_firewall_policy" {
    defaults = {
      arn = "arn:aws:network-firewall:eu-central-1:123456789012:firewall-policy/demo"
    }
  }

  mock_resource "aws_networkfirewall_firewall" {
    defaults = {
      arn = "arn:aws:network-firewall:eu-central-1:123456789012:firewall/demo"
      firewall_status = [{
        sync_states = [
          { availability_zone = "eu-central-1a", attachment = [{ endpoint_id = "vpce-a", subnet_id = "subnet-a" }] },
          { availability_zone = "eu-central-1b", attachment = [{ endpoint_id = "vpce-b", subnet_id = "subnet-b" }] },
        ]
      }]
    }
  }
}

variables {
  name       = "demo-test"
  region     = "eu-central-1"
  account    = "123456789012"
  vpc_id     = "vpc-1"
  subnet_ids = ["subnet-a", "subnet-b"]
  hosts      = ["api.stripe.com", ".quay.io"]
  protected  = true

  network         = "10.1.0.0/16"
  zones           = ["eu-central-1a", "eu-central-1b"]
  public_subnets  = ["10.1.1.0/24", "10.1.2.0/24"]
  private_subnets = ["10.1.10.0/24", "10.1.20.0/24"]
  nat_gateways    = 1

  firewall_subnets   = ["10.1.71.0/24", "10.1.72.0/24"]
  nat_subnets        = ["10.1.81.0/24", "10.1.82.0/24"]
  firewall_endpoints = { eu-central-1a = "vpce-a", eu-central-1b = "vpce-b" }
}

run "what_is_not_on_the_list_is_dropped" {
  module {
    source = "./modules/egress"
  }

  assert {
    condition     = contains(one(aws_networkfirewall_firewall_policy.this.firewall_policy).stateful_default_actions, "aws:drop_established")
    error_message = "What no rule lets through is dropped."
  }

  assert {
    condition     = [for rules in one(aws_networkfirewall_rule_group.others.rule_group).rules_source[0].stateful_rule : rules.action] == ["DROP", "DROP"]
    error_message = "What is not TCP is dropped at its first packet."
  }

  assert {
    condition     = length(setsubtract(var.hosts, one(aws_networkfirewall_rule_group.hosts.rule_group).rules_source[0].rules_source_list[0].targets)) == 0
    error_message = "Hosts of the list are let through."
  }

  assert {
    condition     = contains(one(aws_networkfirewall_rule_group.hosts.rule_group).rules_source[0].rules_source_list[0].targets, "sts.eu-central-1.amazonaws.com")
    error_message = "Nodes and service accounts reach AWS in their region."
  }

  assert {
    condition     = output.endpoints["eu-central-1a"] == "vpce-a" && output.endpoints["eu-central-1b"] == "vpce-b"
    error_message = "Each zone has an endpoint."
  }
}

run "without_protection_it_can_be_deleted" {
  command = plan

  module {
    source = "./modules/egress"
  }

  variables {
    protected = false
  }

  assert {
    condition     = !aws_networkfirewall_firewall.this.delete_protection && !aws_networkfirewall_firewall.this.subnet_change_protection
    error_message = "A destroy would be refused."
  }
}

run "an_address_is_no_host" {
  command = plan

  module {
    source = "./modules/egress"
  }

  variables {
    hosts = ["https://api.stripe.com"]
  }

  expect_failures = [var.hosts]
}

run "each_zone_leaves_by_its_endpoint_and_comes_back_by_it" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = { for zone, route in aws_route.nat : zone => route.vpc_endpoint_id } == { for zone, endpoint in var.firewall_endpoints : zone => endpoint }
    error_message = "A private subnet leaves by the endpoint of its zone."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && tolist(keys(aws_route.inspected)) == var.zones
    error_message = "All endpoints lead on to the only gateway."
  }

  assert {
    condition     = { for route in aws_route.back : route.destination_cidr_block => route.vpc_endpoint_id } == { "10.1.10.0/24" = "vpce-a", "10.1.20.0/24" = "vpce-b" }
    error_message = "An answer comes back by the endpoint that saw the question."
  }
}

run "a_firewall_has_a_subnet_in_each_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    firewall_subnets = ["10.1.71.0/24"]
    nat_subnets      = ["10.1.81.0/24"]
  }

  expect_failures = [var.firewall_subnets]
}
