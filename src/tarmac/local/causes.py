"""The likely cause of a process's end, from its exit status and its last lines."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

#: (pattern of a line, what it means and what to do); the first that matches the latest line wins.
LINES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"No module named '?([\w.]+)'?", "module {0} is not installed in its environment"),
        (r"Cannot find module '([^']+)'", "module {0} is not installed; run its package manager"),
        (r"(?i)address already in use|EADDRINUSE", "its port is taken by another process"),
        (r"(?i)no space left on device|ENOSPC", "the disk is full"),
        (r"(?i)read-only file system", "the disk cannot be written"),
        (r"(?i)exec format error", "the program is made for another kind of machine"),
        (r"(?i)(\S+ is not set;.*)", "{0}"),
        (r"(?i)password authentication failed", "the store refuses its password"),
        (r"(?i)pre-existing shared memory block", "a process of the killed server still lives"),
        (
            r"initialized by PostgreSQL version (\d+).* this version (\d+)",
            "its data is PostgreSQL {0}'s, {1} runs here; ask for version {0}, or `tarmac reset`",
        ),
        (
            r"Can't handle RDB format version|Bad file format reading the append only file",
            "its data is of a newer version, or damaged; ask for that version, or `tarmac reset`",
        ),
        (r"(?i)connection refused|ECONNREFUSED", "something that it connects to does not listen"),
        (r"(?i)permission denied|EACCES", "it lacks a permission for a file or port"),
        (r"(?i)out of memory|MemoryError", "there was not enough memory"),
        (r"^(SyntaxError|ImportError|NameError|IndentationError): (.+)", "{0} in its code: {1}"),
        (r"^KeyError: '([A-Z][A-Z0-9_]+)'", "it needs {0}, which nobody gives; add it to its env"),
    )
)


def likely_cause(status: int | None, lines: Sequence[str]) -> str:
    """Name the likely cause in one sentence; empty if nothing is known of it."""
    for line in reversed(lines):
        for pattern, meaning in LINES:
            if match := pattern.search(line):
                return meaning.format(*match.groups())
    if status == -signal.SIGKILL:
        return "it was killed (SIGKILL): by hand, or by the kernel for want of memory"
    if status is not None and status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    if status == 127:
        return "a command that it runs was not found"
    if status == 0:
        return "it ended by itself without an error; a service must keep running"
    return ""
