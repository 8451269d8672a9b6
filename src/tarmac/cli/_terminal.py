"""The standard streams of verbs, where they are terminals: no text that is printed can steer them.

Names of files, spans and services may hold escape codes, or characters that hide or reverse others.
Used by main.py for `click.echo`; _show.py draws tables and colours on the terminal behind it. Pipes
and files get every character as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from tarmac.base.errors import printable


class PlainStream:
    """A terminal that is written text, without anything that it would act on."""

    def __init__(self, terminal: TextIO) -> None:
        """Take the terminal; all but `write` is its own."""
        self.terminal = terminal

    def write(self, text: str) -> int:
        """Write text with such characters escaped."""
        self.terminal.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines with such characters escaped."""
        self.terminal.writelines(map(printable, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


def guard() -> None:
    """Make the standard streams escape control characters, if they are terminals."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty():
            setattr(sys, name, cast("TextIO", PlainStream(stream)))
