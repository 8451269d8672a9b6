"""Pipelines for GitHub and GitLab, and what protects the repository."""
