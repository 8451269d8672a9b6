"""The standard streams of verbs, where they are terminals: lines fit, and no text can steer them.

Names of files, spans and services may hold escape codes, or characters that hide or reverse others.
Used by main.py for `click.echo`; output/printing.py draws tables and colours on the terminal behind
it. Pipes and files get every character and every line as it is.
"""

from __future__ import annotations

import functools
import io
import json
import locale
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

import click

from tarmac.base.errors import printable

#: A word with the space before it. Words in backticks are one: a command is copied from one line.
WORD = re.compile(r"(\s*)((?:`[^`]*`|\S)+)")
#: Where a column of a line begins.
COLUMN = re.compile(r"(?<=\S)\s{2,}(?=\S)")


class PlainStream:
    """A terminal that is written text in lines that fit, without anything that it would act on."""

    def __init__(self, terminal: TextIO) -> None:
        """Take the terminal; all but `write` is its own."""
        self.terminal = terminal

    def write(self, text: str) -> int:
        """Write text with such characters escaped."""
        self.terminal.write(wrapped(printable(text), _width(self.terminal)))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines with such characters escaped."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


def guard() -> None:
    """Make the standard streams fit for what is printed.

    Terminals get lines that fit, without control characters. What an encoding lacks is escaped.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
        if stream is not None and stream.isatty():
            setattr(sys, name, cast("TextIO", PlainStream(stream)))


def print_document(text: str, *, err: bool = False) -> None:
    """Print what another program or an editor reads: on a terminal, too, each line stays whole."""
    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, PlainStream):
        click.echo(printable(text), nl=False, file=stream.terminal)
    else:
        click.echo(text, nl=False, err=err)


def print_json(content: Any) -> None:
    """Print JSON for another program to read."""
    print_document(json.dumps(content, indent=2) + "\n")


def wrapped(text: str, width: int) -> str:
    """Break lines that are longer than a width at their words, and align what follows.

    It goes on below the last column that begins in the first half of the line, else indented. A
    line that begins with `$` is a command: it stays whole, as does any word.
    """
    return "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> str:
    if len(line) <= width or line.lstrip().startswith("$ "):
        return line
    words = WORD.findall(line)
    longest = max((len(word) for _, word in words), default=0)
    starts = [found.end() for found in COLUMN.finditer(line, 0, width // 2 + 1)]
    indent = len(line) - len(line.lstrip()) + 2
    if starts and starts[-1] + longest <= width:
        indent = starts[-1]
    lines = [""]
    for space, word in words:
        if lines[-1] and len(lines[-1]) + len(space) + len(word) > width:
            lines.append(" " * indent + word)
        else:
            lines[-1] += space + word
    return "\n".join(lines)


@functools.cache
def is_unicode() -> bool:
    """Tell whether the user's locale has more than ASCII's characters."""
    return locale.getencoding().lower().replace("-", "").startswith("utf")


def _width(terminal: TextIO) -> int:
    """Return the columns of a terminal; one that does not tell has 80."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(terminal.fileno()).columns or 80
    except OSError:
        return 80
