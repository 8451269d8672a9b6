# What all environments share. An environment is its inputs: envs/NAME/inputs.hcl, and nothing else.
locals {
  environment = read_terragrunt_config("${get_original_terragrunt_dir()}/inputs.hcl")
  given       = local.environment.inputs
  bucket      = try("${local.given.project}-terraform-state-${local.given.account}", get_env("STATE_BUCKET", ""))
}

# The same root and modules in each. Its providers take region, account and role from the inputs.
terraform {
  source = "${get_parent_terragrunt_dir()}/terraform"
}

# Where each has its state: a bucket of its account, and in it the file that plain Terraform has there, too.
remote_state {
  backend = "s3"

  # TERRAGRUNT_DISABLE_INIT=true asks for no account: for `terragrunt run-all validate`.
  disable_init = tobool(get_env("TERRAGRUNT_DISABLE_INIT", "false"))

  # The backend itself is in versions.tf, and takes these.
  config = merge({
    bucket                = local.bucket
    key                   = "${local.given.environment}/terraform.tfstate"
    region                = local.given.region
    encrypt               = true
    use_lockfile          = true
    disable_bucket_update = true
  }, try({ assume_role = { role_arn = local.given.role } }, {}))
}

inputs = local.given
