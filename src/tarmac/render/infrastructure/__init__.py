"""Terraform: what an environment's cloud holds."""
