"""Gates on rights and identities in AWS, as Terraform gives them."""
