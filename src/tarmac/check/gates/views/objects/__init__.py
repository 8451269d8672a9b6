"""Kubernetes objects as gates read them: a view has its object, a part of one its data."""
