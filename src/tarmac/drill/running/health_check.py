"""Checks again and again whether a region lives, as Route 53 does: so many failures in a row.

Used by the drill `failover`. It gives a region up once, and never comes back to that.
"""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from tarmac.catalog.faults.repeating import repeating

#: The longest that a check waits; Route 53 gives a connection as much.
CHECK_S = 4.0
#: What answers with this or more is not well.
FAILED_STATUS = 400


def is_well(url: str, within_s: float = CHECK_S) -> bool:
    """Ask once whether a URL answers, and not with a failure."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=within_s)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", parts.path)
        return connection.getresponse().status < FAILED_STATUS
    return False


class HealthCheck:
    """Checks a URL, until it failed too often in a row."""

    def __init__(
        self, url: str, *, interval_s: float, failures: int, give_up: Callable[[], None]
    ) -> None:
        """Take what to call when so many checks in a row have failed."""
        self._url = url
        self._interval_s = interval_s
        self._failures = failures
        self._give_up = give_up
        #: When the first of these failed, and when `give_up` had returned; monotonic.
        self.first_failed_at: float | None = None
        self.given_up_at: float | None = None
        self._failed = 0

    def checking(self) -> AbstractContextManager[None]:
        """Check it in the background, as long as a block lasts."""
        return repeating(self._check, self._interval_s)

    def _check(self) -> None:
        if self.given_up_at is not None:
            return
        if is_well(self._url, min(CHECK_S, self._interval_s)):
            self._failed, self.first_failed_at = 0, None
            return
        self._failed += 1
        self.first_failed_at = self.first_failed_at or time.monotonic()
        if self._failed >= self._failures:
            self._give_up()
            self.given_up_at = time.monotonic()
