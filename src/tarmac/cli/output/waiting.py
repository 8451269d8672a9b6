"""Says on a terminal what a verb does while it prints nothing else; a pipe gets nothing of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

#: What is over sooner needs no word.
SILENT_S, EVERY_S = 1.0, 0.5


def say_once(what: str) -> None:
    """Say on standard error what is done, where a line that changes would disturb a question."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"{what}\n")


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on standard error what is done, and for how long, until the block ends."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield
        return
    import signal

    from tarmac.cli.output.terminal import PlainStream

    terminal = stream.terminal if isinstance(stream, PlainStream) else stream
    began, line = time.monotonic(), ""

    def show(*_: object) -> None:
        nonlocal line
        line = f"{what}: {time.monotonic() - began:.0f} s"
        # It is gone, or being written to at this moment.
        with contextlib.suppress(OSError, RuntimeError):
            terminal.write(f"\r{line}")
            terminal.flush()

    # By a timer and not by a thread: a process with two threads cannot be forked.
    before = signal.signal(signal.SIGALRM, show)
    signal.setitimer(signal.ITIMER_REAL, SILENT_S, EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        if line:
            terminal.write(f"\r{' ' * len(line)}\r")
            terminal.flush()
