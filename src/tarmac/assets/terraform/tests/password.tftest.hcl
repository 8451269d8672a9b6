# Of ephemeral resources there are no mocks: the provider itself plans, and asks AWS for nothing.
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  name      = "demo/test/stores/db/api/password-1"
  protected = true
}

run "a_password_is_in_no_state" {
  command = plan

  module {
    source = "./modules/password"
  }

  assert {
    condition     = aws_secretsmanager_secret_version.this.secret_string == null && aws_secretsmanager_secret_version.this.secret_string_wo_version == 1
    error_message = "It is given in a write-only argument, once."
  }

  assert {
    condition     = aws_secretsmanager_secret.this.name == var.name && aws_secretsmanager_secret.this.recovery_window_in_days == 30
    error_message = "Its entry is found by its name, and comes back after a mistake."
  }
}

run "a_second_region_has_a_copy" {
  command = plan

  module {
    source = "./modules/password"
  }

  variables {
    replica = "eu-central-1"
  }

  assert {
    condition     = [for copy in aws_secretsmanager_secret.this.replica : copy.region] == ["eu-central-1"]
    error_message = "Users of a database of two regions are the same in both."
  }
}

run "a_name_that_aws_could_take_for_its_own_ending_is_refused" {
  command = plan

  module {
    source = "./modules/password"
  }

  variables {
    name = "demo-test-db-master"
  }

  expect_failures = [var.name]
}
