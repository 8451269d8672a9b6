"""Configurations of servers that others made: nginx."""
