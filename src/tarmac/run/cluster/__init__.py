"""Puts a rendered environment into a Kubernetes cluster, and says why it does not run."""
