"""How states, numbers and times are written; the colours are those that the terminal has set."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from tarmac.base import figures
from tarmac.base.errors import printable
from tarmac.run.local.state import state

STYLES = {
    state.HEALTHY: "green",
    state.RUNNING: "green",
    state.DONE: "green",
    state.READY: "cyan",
    state.BOOTED: "cyan",
    state.STARTING: "cyan",
    state.UNHEALTHY: "bold red",
    state.CRASH_LOOP: "bold red",
    state.BACKOFF: "yellow",
    state.STOPPING: "yellow",
    state.STOPPED: "dim",
    state.OFF: "dim",
    state.WAITING: "dim",
    state.SCHEDULED: "dim",
}
#: A state by shape as well: colours may be off, or look alike to the reader.
SIGNS = {
    state.HEALTHY: "●",
    state.RUNNING: "●",
    state.DONE: "✓",
    state.UNHEALTHY: "✗",
    state.CRASH_LOOP: "✗",
    state.BACKOFF: "!",
    state.STOPPED: "○",
    state.OFF: "○",
    state.OUTSIDE: "◇",
    state.SCHEDULED: "○",
}
STARTING = "◌"
BARS = " ▁▂▃▄▅▆▇█"
#: A curve below this share of a core is drawn low: it is hardly work.
LEAST_TOP = 0.1


def sign(name: str) -> Text:
    """Draw the sign of a state in its colour."""
    return Text(SIGNS.get(name, STARTING), STYLES.get(name, ""))


def fitted(text: str, width: int) -> str:
    """Escape what a terminal would act on, and cut a text to one line of a width."""
    line = printable(text.strip("\n").partition("\n")[0].rstrip().replace("\t", " "))
    if cell_len(line) <= width:
        return line
    cut = Text(line)
    cut.truncate(max(0, width), overflow="ellipsis")
    return cut.plain


def share(value: float | None) -> str:
    """Write a share of a core."""
    return "" if value is None else figures.percent(value)


def rate(value: float | None) -> str:
    """Write how many there are in a second."""
    if value is None:
        return "-"
    return figures.number(value, 0 if value >= 10 or value == 0 else 1)


def since(moment: float, now_s: float) -> str:
    """Write how long ago a moment was; nothing for one that is not known."""
    return figures.ago(now_s - moment) if moment else ""


def curve(values: tuple[float, ...], width: int) -> str:
    """Draw shares as bars, the newest on the right; the full height is the most of them."""
    last = values[-width:]
    if not last:
        return ""
    top = max(LEAST_TOP, *last)
    bars = (BARS[min(8, round(8 * value / top) or (value > 0.005))] for value in last)
    return "".join(bars).rjust(width)
