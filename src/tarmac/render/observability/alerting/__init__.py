"""Alerts, their routes, runbooks, rules of objectives and unit tests."""
