"""Waits until the metrics of services were read: what they have counted before is known then."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path

from tarmac.run.telemetry import metrics, storage

#: The metrics of an instance are read within this time, and what was counted is there then.
READ_S = 20.0
POLL_S = 0.2


def wait_read(telemetry: Path, services: Collection[str]) -> None:
    """Wait until all these services were read.

    Raises:
        TarmacError: nothing counts their requests.
    """
    with contextlib.closing(storage.reader(telemetry)) as stored:
        wait_read_from(stored, services)


def wait_read_from(stored: sqlite3.Connection, services: Collection[str]) -> int:
    """Wait until all these services were read; returns that time, in ms since the epoch."""
    asked_ms = time.time_ns() // 1_000_000
    end = time.monotonic() + READ_S
    while time.monotonic() < end:
        read = [metrics.last_read(stored, service, asked_ms) or 0 for service in services]
        if min(read, default=asked_ms + 1) > asked_ms:
            break
        time.sleep(POLL_S)
    return time.time_ns() // 1_000_000
