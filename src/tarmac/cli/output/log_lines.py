"""Follows logs as they grow, and formats their lines."""

from __future__ import annotations

import re
import zlib

from rich.text import Text

from tarmac.run.telemetry.log_lines import Line, fields_of

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_magenta")
LEVELS = {"error": "bold red", "critical": "bold red", "warning": "yellow", "debug": "dim"}
#: Fields of a kit log line that every line has: shown elsewhere or not worth the width.
KNOWN = frozenset({"ts", "level", "event", "service", "trace_id", "span_id", "timestamp"})

CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def written(line: Line, width: int) -> Text:
    """Write one line: clock, name in its colour, and a kit line's fields in place of its JSON."""
    at, name, text = line
    colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
    shown = Text.assemble((at[11:19], "dim"), " ", (f"{name:<{width}}", colour), " ")
    fields = _fields(text)
    if fields is None:
        # Colours and cursor moves of a service would garble this terminal.
        return shown.append(CONTROL.sub("", text))
    level = str(fields.get("level", "info"))
    style = LEVELS.get(level, "")
    if level in LEVELS:  # in a pipe, too, it is told from what is usual
        shown.append(f"{level.upper()} ", style)
    shown.append(str(fields["event"]), style)
    for key, value in fields.items():
        if key not in KNOWN:
            shown.append(f" {key}=", "dim").append(str(value))
    return shown


def _fields(text: str) -> dict[str, object] | None:
    """Read a line of the kit's."""
    fields = fields_of(text)
    return fields if fields is not None and "event" in fields else None
