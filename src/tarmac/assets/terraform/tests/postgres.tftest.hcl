mock_provider "aws" {}

variables {
  name       = "demo-test-db"
  protected  = true
  vpc_id     = "vpc-1"
  zones      = ["eu-west-1a", "eu-west-1b"]
  subnet_ids = ["subnet-1", "subnet-2"]
  clients    = { nodes = "sg-1" }
  settings   = { version = "17", instance = "db.t4g.medium", instances = 2, backup_days = 7 }
}

run "without_a_disk_it_is_aurora" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 2 && length(aws_db_instance.this) == 0
    error_message = "A writer and a reader."
  }

  assert {
    condition     = aws_rds_cluster_instance.this[*].availability_zone == ["eu-west-1a", "eu-west-1b"]
    error_message = "Each is in a zone of its own."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["nodes"].referenced_security_group_id == "sg-1"
    error_message = "Nodes connect, and nothing else."
  }
}

run "with_a_disk_it_is_an_instance_with_a_standby" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "17", instance = "db.t4g.medium", instances = 2, backup_days = 7, disk_gb = 50 }
  }

  assert {
    condition     = aws_db_instance.this[0].multi_az && !aws_db_instance.this[0].publicly_accessible
    error_message = "It is private, and another zone takes over."
  }

  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && aws_db_instance.this[0].deletion_protection && !aws_db_instance.this[0].skip_final_snapshot
    error_message = "Its data are encrypted and cannot be deleted."
  }
}

run "without_a_password_aws_makes_keeps_and_renews_it" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  assert {
    condition     = aws_rds_cluster.this[0].manage_master_user_password && aws_rds_cluster.this[0].master_password_wo_version == null
    error_message = "Nothing else knows it."
  }
}

run "a_given_password_is_set_by_its_number" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings        = { version = "17", instance = "db.t4g.medium", instances = 2, backup_days = 7, disk_gb = 50 }
    password        = "not-a-real-one"
    password_number = 2
  }

  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password == null && aws_db_instance.this[0].password_wo_version == 2 && aws_db_instance.this[0].password == null
    error_message = "It is in no state; another number sets another one."
  }
}

run "without_protection_it_may_go_at_once" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    protected = false
  }

  assert {
    condition     = aws_rds_cluster.this[0].skip_final_snapshot && !aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].apply_immediately
    error_message = "Nothing holds it."
  }

  assert {
    condition     = aws_rds_cluster.this[0].storage_encrypted
    error_message = "It is encrypted all the same."
  }
}

run "the_first_region_of_a_global_database_has_a_password_of_its_own" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "17", instance = "db.r6g.large", instances = 2, backup_days = 7 }
    global   = { identifier = "demo-test-db", primary = true }
    password = "not-a-real-one"

    password_number = 3
  }

  assert {
    condition     = length(aws_rds_global_cluster.this) == 1 && aws_rds_cluster.this[0].manage_master_user_password == null && aws_rds_cluster.this[0].master_password_wo_version == 3
    error_message = "AWS keeps no password of a global database."
  }
}

run "the_second_region_follows" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "17", instance = "db.r6g.large", instances = 1, backup_days = 7 }
    global   = { identifier = "demo-test-db", primary = false }
  }

  assert {
    condition     = length(aws_rds_global_cluster.this) == 0 && aws_rds_cluster.this[0].global_cluster_identifier == "demo-test-db"
    error_message = "It joins, and has the first one's administrator."
  }
}

run "a_global_database_of_a_class_without_it_is_refused" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    global          = { identifier = "demo-test-db", primary = true }
    password        = "not-a-real-one"
    password_number = 1
  }

  expect_failures = [var.global]
}

run "a_global_database_without_a_password_is_refused" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "17", instance = "db.r6g.large", instances = 2, backup_days = 7 }
    global   = { identifier = "demo-test-db", primary = true }
  }

  expect_failures = [var.password_number]
}

run "no_backups_are_refused" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "17", instance = "db.t4g.medium", instances = 2, backup_days = 0 }
  }

  expect_failures = [var.settings]
}

run "a_minor_version_is_refused" {
  command = plan

  module {
    source = "./modules/postgres"
  }

  variables {
    settings = { version = "15.4", instance = "db.t4g.medium", instances = 2, backup_days = 7 }
  }

  expect_failures = [var.settings]
}
