mock_provider "aws" {
  mock_data "aws_lb_hosted_zone_id" {
    defaults = {
      id = "Z00000000000000000001"
    }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      domain_validation_options = [{
        domain_name           = "app.example.com"
        resource_record_name  = "_x.app.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_y.acm-validations.aws."
      }]
    }
  }

  mock_resource "aws_wafv2_web_acl" {
    defaults = {
      arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/demo/1"
    }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-demo"
    }
  }
}

variables {
  name      = "demo-test"
  zone      = "example.com"
  existing  = false
  hosts     = ["example.com", "app.example.com"]
  region    = "eu-central-1"
  protected = true
  balancers = { eu-central-1 = "k8s-a.elb.eu-central-1.amazonaws.com" }
}

run "hosts_lead_to_the_entrance_of_the_region" {
  command = plan

  module {
    source = "./modules/dns"
  }

  assert {
    condition     = aws_route53_record.host["app.example.com"].alias[0].name == "entrance-eu-central-1.example.com"
    error_message = "A balancer that is replaced is replaced in one record."
  }

  assert {
    condition     = data.aws_lb_hosted_zone_id.this["eu-central-1"].load_balancer_type == "network" && length(aws_route53_health_check.this) == 0
    error_message = "A network balancer has zones of its own; one region has nothing to fail over to."
  }
}

run "without_a_balancer_no_host_leads_anywhere" {
  command = plan

  module {
    source = "./modules/dns"
  }

  variables {
    balancers = {}
  }

  assert {
    condition     = length(aws_route53_record.host) == 0 && length(aws_route53_zone.this) == 1
    error_message = "The zone comes first: the registrar needs its name servers."
  }
}

run "two_regions_are_asked_at_their_own_entrances" {
  command = plan

  module {
    source = "./modules/dns"
  }

  variables {
    standby = "eu-west-1"
    balancers = {
      eu-central-1 = "k8s-a.elb.eu-central-1.amazonaws.com"
      eu-west-1    = "b-1.eu-west-1.elb.amazonaws.com"
    }
  }

  assert {
    condition     = length(aws_route53_health_check.this) == 2 && alltrue([for check in aws_route53_health_check.this : check.type == "HTTPS" && check.port == 443 && check.failure_threshold == 3 && check.request_interval == 10])
    error_message = "Three failures, 10 s apart, over TLS."
  }

  assert {
    condition     = aws_route53_record.failover["app.example.com SECONDARY"].ttl == 10 && aws_route53_record.failover["app.example.com SECONDARY"].set_identifier == "eu-west-1"
    error_message = "Resolvers keep an answer for 10 s, and the second region has the second one."
  }

  assert {
    condition     = aws_route53_record.failover_of_zone["example.com PRIMARY"].alias[0].evaluate_target_health && length(aws_route53_record.host) == 0
    error_message = "The zone's own name is an alias, and no host has a record that does not fail over."
  }

  assert {
    condition     = data.aws_lb_hosted_zone_id.this["eu-west-1"].load_balancer_type == "application"
    error_message = "The region before elb: no network balancer."
  }
}

run "behind_a_cdn_its_origin_fails_over" {
  command = plan

  module {
    source = "./modules/dns"
  }

  variables {
    standby = "eu-west-1"
    cdn     = { name = "d1.cloudfront.net", zone_id = "Z2FDTNDATAQYW2" }
    balancers = {
      eu-central-1 = "k8s-a.elb.eu-central-1.amazonaws.com"
      eu-west-1    = "k8s-b.elb.eu-west-1.amazonaws.com"
    }
  }

  assert {
    condition     = [for record in aws_route53_record.failover : record.name] == ["entrance.example.com", "entrance.example.com"] && output.origin == "entrance.example.com"
    error_message = "What the CDN finds the cluster by leads to the region that serves."
  }

  assert {
    condition     = length(aws_route53_record.cdn) == 4 && length(aws_route53_record.failover_of_zone) == 0
    error_message = "Every host leads to the CDN, over IPv4 and IPv6."
  }
}

run "a_balancer_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/dns"
  }

  variables {
    balancers = { eu-west-1 = "k8s-a.elb.eu-central-1.amazonaws.com" }
  }

  expect_failures = [var.balancers]
}

run "a_host_of_another_zone_is_refused" {
  command = plan

  module {
    source = "./modules/dns"
  }

  variables {
    hosts = ["app.example.org"]
  }

  expect_failures = [var.hosts]
}

run "a_certificate_is_proven_by_a_record_for_its_host" {
  command = apply

  module {
    source = "./modules/certificate"
  }

  variables {
    hosts   = ["app.example.com"]
    zone_id = "Z1"
  }

  assert {
    condition     = aws_route53_record.proof["app.example.com"].name == "_x.app.example.com." && aws_acm_certificate.this.validation_method == "DNS"
    error_message = "The zone proves it, so that AWS renews it."
  }
}

run "an_address_that_asks_too_often_and_known_attacks_are_blocked" {
  command = plan

  module {
    source = "./modules/firewall"
  }

  variables {
    scope    = "REGIONAL"
    requests = 300
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "rate"]) == 300
    error_message = "The rate is the one that was asked for."
  }

  assert {
    condition     = length([for rule in aws_wafv2_web_acl.this.rule : rule if rule.name == "AWSManagedRulesSQLiRuleSet" && length(flatten(rule.override_action[*].none)) == 1]) == 1
    error_message = "SQL injection is blocked and not counted alone."
  }
}

run "files_are_read_by_the_distribution_alone" {
  command = plan

  module {
    source = "./modules/cdn"
  }

  variables {
    hosts           = ["app.example.com"]
    entrance        = "entrance-eu-central-1.example.com"
    bucket          = "demo-test-files-123456789012"
    files           = ["/static/*"]
    challenges      = false
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    web_acl_arn     = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/demo/1"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.files.restrict_public_buckets && aws_cloudfront_origin_access_control.files.signing_behavior == "always"
    error_message = "The bucket is private, and every request of the distribution is signed."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && [for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern] == ["/static/*"]
    error_message = "TLS 1.2 at least, and nothing over plain HTTP."
  }
}
