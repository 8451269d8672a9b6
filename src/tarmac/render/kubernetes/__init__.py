"""Kubernetes objects of the plain tree."""
