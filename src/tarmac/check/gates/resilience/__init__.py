"""Gates on timeouts, retries, experiments and recovery."""
