"""Compose's services, start order, modes and generated secrets."""
