"""Prices by rule, and quotes that expire."""
