"""Gates on pipelines of GitLab."""
