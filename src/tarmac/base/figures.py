"""Numbers and moments as their reader's locale writes them: LC_NUMERIC and LC_TIME.

For text that people read; --json and files never come from here. A moment is in local time.
"""

from __future__ import annotations

import contextlib
import functools
import locale
from collections.abc import Iterator
from datetime import datetime

#: The largest first.
UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
ISO = ("%Y-%m-%d", "%H:%M:%S")


def number(value: float, digits: int = 0) -> str:
    """Write a number with so many decimals: 1234.5, 1.234,5."""
    decimal, thousands = _marks()
    marks = str.maketrans({",": thousands, ".": decimal})
    return f"{value:,.{digits}f}".translate(marks)


def percent(share: float, digits: int = 0) -> str:
    """Write a share of one: 99.95 %."""
    return f"{number(100 * share, digits)} %"


def took(seconds: float, digits: int = 1) -> str:
    """Write how long a request took: 2.50 s, 12.5 ms."""
    return f"{number(seconds, 2)} s" if seconds >= 1 else milliseconds(seconds, digits)


def milliseconds(seconds: float, digits: int = 1) -> str:
    """Write seconds in milliseconds."""
    return f"{number(1000 * seconds, digits)} ms"


def size(size_bytes: float) -> str:
    """Write a size: 12 B, 3.4 kB, 1.2 GB."""
    for unit, bytes_each in UNITS:
        if size_bytes >= bytes_each:
            found = size_bytes / bytes_each
            return f"{number(found, 1 if found < 100 else 0)} {unit}"
    return f"{number(size_bytes)} B"


def ago(seconds: float) -> str:
    """Write how long ago something was: 12s, 5m, 3h, 4d; ? if the clock was set back."""
    if seconds < -1:
        return "?"
    if seconds < 60:
        return f"{max(0.0, seconds):.0f}s"
    if seconds < 3600:
        return f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.0f}h" if seconds < 172800 else f"{seconds / 86400:.0f}d"


def moment(recorded: str) -> str:
    """Write a day and a time that ISO 8601 has: 2026-11-26 14:05:00, 26.11.2026 14:05:00."""
    return datetime.fromisoformat(recorded).astimezone().strftime(" ".join(_forms()))


def clock(at_ns: int) -> str:
    """Write the time of day of a moment in nanoseconds since 1970."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime(_forms()[1])


@functools.cache
def _marks() -> tuple[str, str]:
    """Return the decimal mark and what stands between thousands."""
    with _users(locale.LC_NUMERIC) as is_set:
        if not is_set:
            return ".", ","
        found = locale.localeconv()
    # Some use a space that no terminal breaks a line at, which not every output can encode.
    thousands = str(found["thousands_sep"])
    return str(found["decimal_point"]), " " if thousands.isspace() else thousands


@functools.cache
def _forms() -> tuple[str, str]:
    """Return the forms of a day and of a time of day."""
    with _users(locale.LC_TIME) as is_set:
        if not is_set:
            return ISO
        return locale.nl_langinfo(locale.D_FMT), locale.nl_langinfo(locale.T_FMT)


@contextlib.contextmanager
def _users(category: int) -> Iterator[bool]:
    """Set the locale of the environment for a moment; false if there is none, or it is C."""
    before = locale.setlocale(category)
    try:
        yield locale.setlocale(category, "").partition(".")[0] not in ("C", "POSIX")
    except locale.Error:  # it is not installed here
        yield False
    finally:
        locale.setlocale(category, before)
