"""What one copy of a system keeps on disk: its state, logs, facts and secrets."""
