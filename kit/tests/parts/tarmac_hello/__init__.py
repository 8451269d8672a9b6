"""A tiny part for the tests of `tarmac_kit.serve`."""

from __future__ import annotations
