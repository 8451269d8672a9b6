"""A part with a database, for the tests of `tarmac_kit.serve`."""

from __future__ import annotations
