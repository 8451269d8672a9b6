"""Gates on Terraform files."""
