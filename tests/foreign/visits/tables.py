"""Ends when its work is done."""

from __future__ import annotations

print("nothing to make")
