mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    override_during = plan
    defaults = {
      arn = "arn:aws:s3:::demo-dev-audit-111111111111"
    }
  }

  mock_resource "aws_kms_key" {
    override_during = plan
    defaults = {
      arn = "arn:aws:kms:eu-west-1:111111111111:key/0"
    }
  }

  mock_resource "aws_sns_topic" {
    override_during = plan
    defaults = {
      arn = "arn:aws:sns:eu-west-1:111111111111:demo-dev-events"
    }
  }

  mock_resource "aws_cloudformation_stack" {
    override_during = plan
    defaults = {
      outputs = { Arn = "arn:aws:lambda:eu-west-1:111111111111:function:demo-dev" }
    }
  }

  mock_resource "aws_iam_role" {
    override_during = plan
    defaults = {
      arn = "arn:aws:iam::111111111111:role/demo-dev-config"
    }
  }
}

mock_provider "aws" {
  alias = "second"
}

variables {
  name          = "demo-dev"
  account       = "111111111111"
  role          = "OrganizationAccountAccessRole"
  region        = "eu-west-1"
  second_region = "eu-central-1"
  days          = 365
}

run "the_trail_is_of_all_regions_and_its_writer_is_no_other" {
  command = plan

  module {
    source = "./modules/trail"
  }

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.enable_log_file_validation && aws_cloudtrail.this.kms_key_id == aws_kms_key.this.arn
    error_message = "What was done is recorded in every region, signed and encrypted."
  }

  assert {
    condition     = alltrue([for one in jsondecode(aws_s3_bucket_policy.this.policy).Statement : one.Effect == "Deny" || try(one.Condition.StringEquals["aws:SourceArn"], "") == "arn:aws:cloudtrail:eu-west-1:111111111111:trail/demo-dev"])
    error_message = "Another account's trail writes nothing here."
  }
}

run "each_region_is_looked_at" {
  command = plan

  assert {
    condition     = length(module.audit_second) == 1
    error_message = "The second region has a detector of its own."
  }
}

run "an_account_of_one_region_has_one_detector" {
  command = plan

  variables {
    second_region = null
  }

  assert {
    condition     = length(module.audit_second) == 0
    error_message = "There is no second region."
  }
}

run "records_of_a_week_are_too_few" {
  command = plan

  variables {
    days = 7
  }

  expect_failures = [var.days]
}

run "an_account_is_twelve_digits" {
  command = plan

  variables {
    account = "dev"
  }

  expect_failures = [var.account]
}

run "the_cleanup_deletes_what_has_both_tags_alone_and_only_lists_at_first" {
  command = plan

  module {
    source = "./modules/events"
  }

  variables {
    project = "demo"
    email   = "ops@example.com"
    dry_run = true
  }

  assert {
    condition     = strcontains(aws_cloudformation_stack.this["cleanup"].template_body, "\"DRY_RUN\":\"true\"")
    error_message = "It lists until it is told to delete."
  }

  assert {
    condition     = alltrue([for one in jsondecode(aws_iam_role_policy.this["cleanup"].policy).Statement : one.Resource != "*" || alltrue([for action in one.Action : startswith(action, "ec2:Describe")])])
    error_message = "It looks at everything, and changes only what is named."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["cleanup"].policy).Statement[1].Condition == { StringEquals = { "aws:ResourceTag/Project" = "demo" }, Null = { "aws:ResourceTag/Expires" = "false" } }
    error_message = "Without both tags nothing is deleted."
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.this) == 4 && length(aws_lambda_permission.this) == 4
    error_message = "Each rule calls its function."
  }
}

run "nothing_answers_events_that_is_not_asked_for" {
  command = plan

  assert {
    condition     = length(module.events) == 0
    error_message = "There is no address for alerts."
  }
}
