"""Values of alerts on databases whose log services read."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.ports import BROKER
from tarmac.render.observability.alerting.subjects import either, exporting, services_of
from tarmac.render.texts import Values

#: What a server knows of its replication slots.
SLOTS = (
    "SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff("
    "pg_current_wal_lsn(), confirmed_flush_lsn)) AS behind FROM pg_replication_slots"
)


def _read_by(plan: ClusterPlan) -> dict[str, list[str]]:
    """List the databases whose log each service reads."""
    readers = [service.name for service in exporting(plan, "capture_slot_lag_bytes")]
    return {
        reader: [
            store for store in plan.asked if reader in services_of(plan, store) and store != BROKER
        ]
        for reader in readers
    }


def readers(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services that read a database's log."""
    databases = _read_by(plan)
    for reader, read in list(databases.items())[:1]:
        listed = (f"{name} reads {' '.join(stores)}" for name, stores in databases.items())
        yield {"example": reader, "store": read[0], "databases": ", ".join(listed), "slots": SLOTS}


def captured(plan: ClusterPlan) -> Iterator[Values]:
    """Give the databases in the cluster whose log is read."""
    databases, here = _read_by(plan), {store.name for store in plan.stores}
    names = tuple(dict.fromkeys(s for stores in databases.values() for s in stores if s in here))
    if names:
        yield {
            **next(readers(plan)),
            "stores": either(names),
            "example": names[0],
            "readers": tuple({"reader": reader} for reader in databases),
        }


VALUES = {"readers": readers, "captured": captured}
