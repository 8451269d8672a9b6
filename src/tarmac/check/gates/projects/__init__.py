"""Gates on what a repository has beside its pipelines: make, packages, hooks, updates."""
