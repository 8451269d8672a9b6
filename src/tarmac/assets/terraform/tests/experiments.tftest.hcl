mock_provider "aws" {}

variables {
  namespace = "demo"
  region    = "eu-west-1"
  account   = "123456789012"
  vpc_id    = "vpc-1"
  tags      = { Project = "demo", Environment = "test" }
  alarms = {
    demo-web_availability = { metric = "slo:web_availability:ratio_rate5m", least = 0.9856, about = "web" }
  }
}

run "an_alarm_is_on_while_nothing_is_measured" {
  command = plan

  module {
    source = "./modules/experiments"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["demo-web_availability"].treat_missing_data == "breaching"
    error_message = "No experiment begins blind."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["demo-web_availability"].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.this["demo-web_availability"].threshold == 0.9856
    error_message = "It is on when too few requests are good."
  }
}

run "the_role_is_of_experiments_alone_and_stops_what_has_the_tags" {
  command = plan

  module {
    source = "./modules/experiments"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "FIS of another account has no use of it."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[1].Condition.StringEquals["aws:ResourceTag/Environment"] == "test"
    error_message = "Another environment's nodes are not stopped."
  }

  assert {
    condition     = alltrue([for one in jsondecode(aws_iam_role_policy.this.policy).Statement : one.Sid == "Look" || one.Resource != "*"])
    error_message = "It changes nothing that is not named."
  }
}

run "without_an_alarm_nothing_would_stop_it" {
  command = plan

  module {
    source = "./modules/experiments"
  }

  variables {
    alarms = {}
  }

  expect_failures = [var.alarms]
}

run "without_a_tag_it_could_stop_everything" {
  command = plan

  module {
    source = "./modules/experiments"
  }

  variables {
    tags = {}
  }

  expect_failures = [var.tags]
}
