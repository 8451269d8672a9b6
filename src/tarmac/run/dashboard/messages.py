"""Messages and jobs: what waits, what flows, and what was given up, with its payload and its error.

Dead letters are read from the services' databases, all else from their metrics.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tarmac.model.system import System
from tarmac.run.local.state.paths import Home
from tarmac.run.local.stores import dead_letters
from tarmac.run.local.supervisor import client
from tarmac.run.telemetry import messaging, storage

#: Dead letters that a page shows; their number is told.
MOST = 200


def read(home: Home, system: System) -> dict[str, Any]:
    """Return what waits, what flows, and the dead letters.

    Raises:
        TarmacError: the system does not run, or a database does not answer.
    """
    now_ms = time.time_ns() // 1_000_000
    with contextlib.closing(storage.reader(home.telemetry)) as stored:
        waiting = messaging.backlogs(stored, now_ms)
        flows = messaging.flows(stored, now_ms)
    urls, unread = _stores(home, system)
    given_up = dead_letters.read(urls)
    return {
        "waiting": [asdict(one) for one in waiting],
        "flows": [asdict(flow) for flow in flows],
        "dead_letters": [asdict(one) for one in given_up[:MOST]],
        "count": len(given_up),
        #: Consumers without a database: theirs are on the broker.
        "unread": unread,
    }


def change(home: Home, system: System, ids: Sequence[str], *, drop: bool) -> int:
    """Retry dead letters, or delete them; return their number.

    Raises:
        BadInput: there is none of an id.
        TarmacError: a database does not answer.
    """
    return dead_letters.change(_stores(home, system)[0], ids, drop=drop)


def _stores(home: Home, system: System) -> tuple[dict[str, str], tuple[str, ...]]:
    return dead_letters.stores_of(system, functools.partial(client.store_url, home))
