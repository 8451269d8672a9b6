"""Snapshots of all stores of one copy of a system, and how they come back."""
