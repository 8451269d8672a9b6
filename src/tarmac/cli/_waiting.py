"""Says on a terminal what a verb does while it prints nothing else; a pipe gets nothing of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from threading import Event

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
    from threading import Event, Thread

    from tarmac.cli._terminal import PlainStream

    terminal = stream.terminal if isinstance(stream, PlainStream) else stream
    is_over = Event()
    shown = Thread(target=_show, args=(terminal, what, is_over), daemon=True)
    shown.start()
    try:
        yield
    finally:
        is_over.set()
        shown.join()


def _show(terminal: TextIO, what: str, is_over: Event) -> None:
    began, line = time.monotonic(), ""
    is_near = is_over.wait(SILENT_S)
    while not is_near:
        line = f"{what}: {time.monotonic() - began:.0f} s"
        terminal.write(f"\r{line}")
        terminal.flush()
        is_near = is_over.wait(EVERY_S)
    if line:
        terminal.write(f"\r{' ' * len(line)}\r")
        terminal.flush()
