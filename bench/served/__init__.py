"""One handler on the kit (`python -m tarmac_kit.serve bench.served`) and on bare FastAPI."""

from __future__ import annotations
