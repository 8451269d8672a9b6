"""The supervisor of one copy of a system: its process, its client, and what it resolves."""
