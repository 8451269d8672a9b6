"""The time left for the current request, carried from service to service.

Set by the request middleware from `X-Request-Timeout-Ms`, read and shortened by the client, the
the database and other waiters. It never cancels anything by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("tarmac_deadline", default=None)


def remaining_s() -> float | None:
    """Return the seconds left (0.0 when none are), or None when no deadline is set."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())


def limit_s(own_s: float) -> float:
    """Return the smaller of `own_s` and the seconds left."""
    left = remaining_s()
    return own_s if left is None else min(own_s, left)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Shorten the deadline to `seconds` from now inside the block; it is never lengthened.

    None leaves it as it is.
    """
    if seconds is None:
        yield
        return
    token = _ends_at.set(time.monotonic() + limit_s(seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def keeping_back(seconds: float) -> AbstractContextManager[None]:
    """Shorten the deadline, if there is one, by what is needed after the block."""
    left_s = remaining_s()
    return within(None if left_s is None else left_s - seconds)
