"""Pipelines: GitHub's workflows, their jobs and steps, and the commands in them."""
