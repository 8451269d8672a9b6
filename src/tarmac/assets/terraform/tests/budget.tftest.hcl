mock_provider "aws" {}

variables {
  name  = "demo-test"
  month = 150
  email = "team@example.com"
}

run "it_counts_what_has_its_tag_and_tells_twice" {
  command = plan

  module {
    source = "./modules/budget"
  }

  assert {
    condition     = one(aws_budgets_budget.this.cost_filter).values == tolist(["user:Budget$demo-test"])
    error_message = "It counts what has its tag, and nothing else of the account."
  }

  assert {
    condition     = { for one in aws_budgets_budget.this.notification : one.notification_type => one.threshold } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "It tells at 80 % spent, and once 100 % are expected."
  }
}

run "nothing_is_no_budget" {
  command = plan

  module {
    source = "./modules/budget"
  }

  variables {
    month = 0
  }

  expect_failures = [var.month]
}
