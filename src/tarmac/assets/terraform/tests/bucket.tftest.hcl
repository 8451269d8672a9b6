mock_provider "aws" {}

variables {
  name      = "demo-test-backups-123456789012"
  days      = 90
  protected = true
}

run "nothing_is_public_and_overwritten_objects_stay_for_a_while" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "No policy makes it public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && !aws_s3_bucket.this.force_destroy
    error_message = "What is overwritten can be had again."
  }
}

run "no_days_are_refused" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    days = 0
  }

  expect_failures = [var.days]
}
