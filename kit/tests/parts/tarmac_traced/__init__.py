"""A tiny part for the tests of spans."""

from __future__ import annotations
