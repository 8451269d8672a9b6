mock_provider "aws" {}

variables {
  name      = "demo/test/servers/db/host"
  host      = "db.example.com"
  protected = true
}

run "an_address_is_the_host_alone" {
  command = plan

  module {
    source = "./modules/address"
  }

  assert {
    condition     = nonsensitive(aws_secretsmanager_secret_version.this.secret_string) == "db.example.com"
    error_message = "Nothing else is in it, and nothing secret."
  }
}

run "a_wildcard_is_no_name" {
  command = plan

  module {
    source = "./modules/address"
  }

  variables {
    name = "demo/*"
  }

  expect_failures = [var.name]
}
