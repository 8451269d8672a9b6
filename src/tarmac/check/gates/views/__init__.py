"""Typed views of the files that gates read; no gate stands here."""
