"""Checks again and again whether a region lives, as Route 53 does: so many failures in a row.

Used by the drill `failover`. It gives a region up once, and never comes back to that.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

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
    """Checks a URL between enter and exit, until it failed too often in a row."""

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
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._check)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _check(self) -> None:
        failed = 0
        while not self._over.wait(self._interval_s):
            if is_well(self._url, min(CHECK_S, self._interval_s)):
                failed, self.first_failed_at = 0, None
                continue
            failed += 1
            self.first_failed_at = self.first_failed_at or time.monotonic()
            if failed >= self._failures:
                self._give_up()
                self.given_up_at = time.monotonic()
                return
