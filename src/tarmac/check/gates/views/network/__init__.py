"""Connections, and what NetworkPolicies and meshes let through."""
