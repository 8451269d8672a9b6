"""Compose files: their services, variables, ports and stores."""
