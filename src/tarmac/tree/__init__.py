"""Rendered files -> a folder: what a hand has changed is kept, and nothing is ever half-written."""
