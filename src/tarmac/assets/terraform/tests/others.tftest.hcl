mock_provider "aws" {}

run "one_redis_node_has_nothing_to_fail_over_to" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    name       = "demo-test-cache"
    protected  = false
    vpc_id     = "vpc-1"
    subnet_ids = ["subnet-1", "subnet-2"]
    clients    = { nodes = "sg-1" }
    settings   = { version = "7.1", instance = "cache.t4g.small", instances = 1, backup_days = 1 }
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled && !aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "AWS refuses a failover without a second node."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled
    error_message = "It is reached by TLS only."
  }
}

run "an_image_is_scanned_and_its_tag_never_moved" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    name      = "demo/web"
    protected = true
  }

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push && !aws_ecr_repository.this.force_delete
    error_message = "What was tried is what runs."
  }
}

run "a_reader_is_one_service_account" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    name              = "demo-test-secrets"
    namespace         = "demo"
    region            = "eu-central-1"
    prefix            = "demo/test"
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_issuer       = "oidc.example"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["oidc.example:sub"] == "system:serviceaccount:demo:demo-test-secrets"
    error_message = "No other service account has the role."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.read.policy).Statement[0].Resource == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:demo/test/*"
    error_message = "It reads entries of its own prefix, in its own account."
  }
}

run "a_reader_of_everything_is_refused" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    name              = "demo-test-secrets"
    namespace         = "demo"
    region            = "eu-central-1"
    prefix            = "*"
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_issuer       = "oidc.example"
  }

  expect_failures = [var.prefix]
}
