mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/demo-test-backup"
    }
  }
}

variables {
  name   = "demo-test"
  days   = 14
  tags   = { Project = "demo", Environment = "test" }
  vault  = "demo-test"
  copies = ["arn:aws:backup:eu-west-1:123456789012:backup-vault:demo-test-copies"]
}

run "snapshots_go_after_their_days_and_so_do_their_copies" {
  command = plan

  module {
    source = "./modules/backup"
  }

  assert {
    condition     = one(one(aws_backup_plan.this.rule).copy_action).destination_vault_arn == var.copies[0]
    error_message = "Each snapshot is copied to the other region."
  }

  assert {
    condition     = one(one(aws_backup_plan.this.rule).lifecycle).delete_after == 14 && one(one(one(aws_backup_plan.this.rule).copy_action).lifecycle).delete_after == 14
    error_message = "A copy is kept as long as what it is of."
  }
}

run "with_one_region_nothing_is_copied" {
  command = plan

  module {
    source = "./modules/backup"
  }

  variables {
    copies = []
  }

  assert {
    condition     = length(one(aws_backup_plan.this.rule).copy_action) == 0
    error_message = "There is no other region."
  }
}

run "without_a_tag_everything_would_be_backed_up" {
  command = plan

  module {
    source = "./modules/backup"
  }

  variables {
    tags = {}
  }

  expect_failures = [var.tags]
}

run "a_vault_has_a_key_of_its_own" {
  command = plan

  module {
    source = "./modules/vault"
  }

  variables {
    protected = true
  }

  assert {
    condition     = !aws_backup_vault.this.force_destroy && aws_kms_key.this.enable_key_rotation
    error_message = "It cannot be deleted while it has snapshots."
  }
}
