"""Files and folders of Terraform."""
