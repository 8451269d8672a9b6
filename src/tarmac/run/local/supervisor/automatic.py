"""Saves a snapshot by itself before a verb that loses data; three of these are kept."""

from __future__ import annotations

from datetime import UTC, datetime

from tarmac.run.local.snapshots import local_stores, saving
from tarmac.run.local.snapshots.library import Snapshot
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import stopped_stores


def save_before(home: Home, verb: str) -> Snapshot | None:
    """Save all stores of a copy; with --fast-stores, or without data, nothing.

    Args:
        verb: `reset`, for its name.

    Raises:
        TarmacError: it cannot be saved, as `saving.save`.
    """
    found = local_stores.stores_of(home)
    if found.fast or not any(store.data() for store in found.here.values()):
        return None
    at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with stopped_stores.of_copy(home) as stopped:
        return saving.save(home, f"before-{verb}-{at}", stopped, force=True, before=verb)
