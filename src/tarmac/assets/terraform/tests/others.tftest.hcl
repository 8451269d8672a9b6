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

  assert {
    condition     = aws_elasticache_replication_group.this.engine == "redis"
    error_message = "AWS has Redis up to 7.1."
  }
}

run "from_7_2_on_a_cache_is_valkey" {
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
    settings   = { version = "7.2", instance = "cache.t4g.small", instances = 1, backup_days = 1 }
  }

  assert {
    condition     = aws_elasticache_replication_group.this.engine == "valkey"
    error_message = "AWS has no Redis of 7.2."
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

run "a_role_is_one_service_accounts_and_reads_its_own" {
  command = plan

  module {
    source = "./modules/service_role"
  }

  variables {
    name              = "orders"
    role              = "demo-test-orders"
    namespace         = "demo"
    region            = "eu-central-1"
    secrets           = ["demo/test/stores/orders-db/orders/url"]
    reads             = ["demo-papers"]
    writes            = ["demo-uploads"]
    keys              = ["arn:aws:kms:eu-central-1:123456789012:key/1"]
    allows            = { "ses:SendEmail" = ["arn:aws:ses:eu-central-1:123456789012:identity/example.com"] }
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_issuer       = "oidc.example"
  }

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals == {
      "oidc.example:aud" = "sts.amazonaws.com"
      "oidc.example:sub" = "system:serviceaccount:demo:orders"
    }
    error_message = "No other service account has the role, and no token for another audience."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.own.policy).Statement[0].Resource == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:demo/test/stores/orders-db/orders/url-??????"]
    error_message = "It reads its own entries, in its own account."
  }

  assert {
    condition = [
      for said in jsondecode(aws_iam_role_policy.own.policy).Statement : said.Resource if contains(said.Action, "s3:PutObject")
    ] == [["arn:aws:s3:::demo-uploads/*"]]
    error_message = "It writes into no bucket that it only reads."
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.own.policy).Statement) == 6
    error_message = "Secrets, both rights to read, the one to write, keys, and what is allowed by name."
  }
}

run "a_role_without_buckets_has_no_right_of_them" {
  command = plan

  module {
    source = "./modules/service_role"
  }

  variables {
    name              = "orders"
    role              = "demo-test-orders"
    namespace         = "demo"
    region            = "eu-central-1"
    secrets           = ["demo/test/shared/API_KEY"]
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_issuer       = "oidc.example"
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.own.policy).Statement) == 1
    error_message = "What is not asked for is not allowed."
  }
}

run "a_role_that_reads_every_entry_is_refused" {
  command = plan

  module {
    source = "./modules/service_role"
  }

  variables {
    name              = "orders"
    role              = "demo-test-orders"
    namespace         = "demo"
    region            = "eu-central-1"
    secrets           = ["demo/test/*"]
    allows            = { "s3:*" = ["arn:aws:s3:::demo"] }
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_issuer       = "oidc.example"
  }

  expect_failures = [var.secrets, var.allows]
}
