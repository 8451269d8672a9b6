"""Quotes: a seeded walk that can be replayed."""
