"""Gates on workflows of GitHub and GitLab."""
