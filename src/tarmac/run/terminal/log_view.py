"""Draws lines of a log for a width; pure. Nothing that a program wrote can steer the terminal."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from rich.cells import chop_cells
from rich.text import Text

from tarmac.base.errors import printable
from tarmac.run.telemetry.line_filter import level_of
from tarmac.run.telemetry.log_entry import entry_of
from tarmac.run.telemetry.log_lines import Line

LEVEL_STYLES = {"critical": "bold red", "error": "bold red", "warning": "yellow", "debug": "dim"}
#: Levels by a sign as well: colours may be off.
LEVEL_SIGNS = {"critical": "E", "error": "E", "warning": "W", "debug": "D"}
NAME_STYLES = ("cyan", "green", "magenta", "yellow", "blue")
#: Escape sequences of colours and cursor moves: programs write them for a terminal of their own.
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?:]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
#: More of one line than this is in the file.
MOST_CHARS = 4_000


def drawn(line: Line, name_width: int, search: str = "") -> Text:
    """Draw one line: clock, level, the process where there are several, and what it says.

    Args:
        name_width: of the names of processes; 0: they are not shown.
        search: is marked wherever it stands.
    """
    entry = entry_of(line)
    level = entry.level or level_of(line.text)
    text = Text(no_wrap=True, end="")
    text.append(f"{plain(line.at[11:19]):8} ", "dim")
    text.append(f"{LEVEL_SIGNS.get(level, ' ')} ", LEVEL_STYLES.get(level, "dim"))
    if name_width:
        style = NAME_STYLES[zlib.crc32(line.name.encode()) % len(NAME_STYLES)]
        text.append(f"{plain(line.name):<{name_width}} ", style)
    text.append(plain(entry.said), LEVEL_STYLES.get(level, ""))
    for key, value in entry.fields.items():
        text.append(f" {plain(str(key))}=", "dim").append(plain(str(value)))
    if search:
        text.highlight_regex(f"(?i){re.escape(search)}", "bold reverse yellow")
    return text


def plain(text: str) -> str:
    """Drop escape sequences of a program's text, and write out other control characters."""
    short = text[:MOST_CHARS]
    return printable(ESCAPES.sub("", short).replace("\t", "    ").replace("\n", "⏎"))


def page(
    lines: Sequence[Line], width: int, height: int, *, names: bool, wraps: bool, search: str = ""
) -> list[Text]:
    """Draw the last lines that fit a height, the newest at its lower edge.

    Args:
        wraps: long lines go on below, indented; else they are cut.
    """
    name_width = max((len(line.name) for line in lines), default=0) if names else 0
    found: list[Text] = []
    for line in reversed(lines):
        text = drawn(line, name_width, search)
        if wraps:
            found[:0] = _wrapped(text, width, 11 + (name_width + 1 if name_width else 0))
        else:
            text.truncate(width, overflow="ellipsis")
            found.insert(0, text)
        if len(found) >= height:
            break
    return found[-height:]


def _wrapped(text: Text, width: int, indent: int) -> list[Text]:
    """Break a line into those of a width; all but the first are indented."""
    if text.cell_len <= width:
        return [text]
    indent = min(indent, width // 3)
    head, *rest = text.divide([_fits(text.plain, width)])
    lines = [head]
    while rest and rest[0].plain:
        head, *rest = rest[0].divide([_fits(rest[0].plain, width - indent)])
        lines.append(Text(" " * indent).append_text(head))
    return lines


def _fits(text: str, width: int) -> int:
    """Return how many characters fit a width."""
    width = max(2, width)  # of the widest character
    return max(1, len(next(iter(chop_cells(text[:width], width)), "")))
