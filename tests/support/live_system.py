"""What a fixture of a gate that observes says of a cluster."""

from __future__ import annotations

from typing import Any

from tarmac.check.gates.live import (
    LiveCertificate,
    LiveContainer,
    LiveDifference,
    LiveSystem,
    LiveWorkload,
)

MEMBERS = {
    "missing": LiveDifference,
    "changed": LiveDifference,
    "extra": LiveDifference,
    "workloads": LiveWorkload,
    "containers": LiveContainer,
    "certificates": LiveCertificate,
}


def live_system(told: dict[str, Any]) -> LiveSystem:
    """Make it of plain data: its fields by their names."""
    made = {
        key: tuple(MEMBERS[key](**one) for one in value) if key in MEMBERS else value
        for key, value in told.items()
    }
    return LiveSystem(**{"context": "lab", "namespace": "mini"} | made)
