"""A system's files on this machine: its own, and the included revisions that its lock names."""
