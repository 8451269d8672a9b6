"""A journey as requests: recorded once from a running system, for other load generators."""
