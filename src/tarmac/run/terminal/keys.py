"""The keys of the terminal, as data: `app` binds them, `?` and a guide list them."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.run.local.state import state
from tarmac.run.local.supervisor.client import MOST_INSTANCES
from tarmac.run.terminal.overview import Overview, Row


@dataclass(frozen=True)
class Key:
    """One key or two that belong together: as bound, as shown, and what they do."""

    #: Textual's names and the app's action of each: `up,k choose(-1)`.
    bound: tuple[str, ...]
    shown: str
    about: str
    section: str
    #: The word in the last line of the screen; empty: it is not there.
    hint: str = ""


LOOK, LOG, CHANGE, END = "Processes", "Log", "Change the system", "Leave"
SECTIONS = (LOOK, LOG, CHANGE, END)

KEYS = (
    Key(("up,k choose(-1)", "down,j choose(1)"), "↑ ↓", "choose a process; also k and j", LOOK),
    Key(("p ask_processes",), "p", "show the processes with a text in name or group", LOOK),
    Key(("o open_page",), "o", "open its page in the browser", LOOK, "open"),
    Key(("d open_dashboard",), "d", "open the dashboard in the browser", LOOK),
    Key(("y copy_address",), "y", "copy its address", LOOK, "copy"),
    Key(
        ("c connect",),
        "c",
        "open a store's shell, or one with a service's environment",
        LOOK,
        "shell",
    ),
    Key(
        ("m ask_command",),
        "m",
        "run one of a service's commands in this terminal",
        LOOK,
        "commands",
    ),
    Key(("t traces",), "t", "show the latest traces that crossed it", LOOK, "traces"),
    Key(("pageup scroll(-1)", "pagedown scroll(1)"), "PgUp PgDn", "scroll by a page", LOG),
    Key(("home,g log_start", "end,G log_end"), "Home End", "go to the oldest line, or follow", LOG),
    Key(("f follow",), "f", "follow the end, or stay", LOG),
    Key(("slash ask_lines",), "/", "show the lines with a text; Esc shows all", LOG, "search"),
    Key(("l level",), "l", "show lines from a level up: all, info, warning, error", LOG, "level"),
    Key(("w wrap",), "w", "wrap long lines, or cut them", LOG, "wrap"),
    Key(("a all_logs",), "a", "show the log of all services, or of the process", LOG, "all"),
    Key(("z zoom",), "z", "give the log the whole screen, or half of it", LOG, "zoom"),
    Key(("r restart",), "r", "restart it, a service without a gap", CHANGE, "restart"),
    Key(("x stop",), "x", "stop a service; connections to it are closed", CHANGE, "stop"),
    Key(("s start",), "s", "start what is off or stopped, with what it needs", CHANGE, "start"),
    Key(
        ("plus,equals_sign scale(1)", "minus scale(-1)"),
        "+ -",
        "run one instance more, or less",
        CHANGE,
        "scale",
    ),
    Key(("i count_requests",), "i", "count requests on the edges, or do not", CHANGE, "count"),
    Key(("exclamation_mark fault",), "!", "kill it, slow or cut its edges, undo", CHANGE, "fault"),
    Key(("question_mark help",), "?", "list the keys", END, "keys"),
    Key(("q,ctrl+c leave",), "q", "leave; the system keeps running", END, "quit"),
    Key(("Q stop_all",), "Q", "stop the system and leave; asks first", END),
)


def bindings() -> list[tuple[str, str]]:
    """List Textual's names of keys with the actions that they are bound to."""
    pairs = (bound.split(" ", 1) for key in KEYS for bound in key.bound)
    return [(names, action) for names, action in pairs]


#: Keys of the last line, the most wanted first: a narrow terminal shows those that fit.
HINTS = ("?", "q", "r", "/", "l", "!", "t", "x", "s", "+ -", "i", "a", "z", "o", "c", "m", "y", "w")


def hints() -> list[tuple[str, str]]:
    """List keys with a word each, for the last line."""
    words = {key.shown: key.hint for key in KEYS}
    return [(shown, words[shown]) for shown in HINTS]


def why_not(action: str, row: Row | None, overview: Overview) -> str:
    """Return why a key can do nothing to the chosen process; empty where it can."""
    if not overview.running and action != "copy_address":
        return "the system is not running; start it with `tarmac up`"
    if row is None:
        return "no process is chosen"
    check = _CHECKS.get(action)
    return "" if check is None else check(row, overview)


def _restart(row: Row, _: Overview) -> str:
    if row.state == state.OFF:
        return f"{row.name} is off; `s` starts it"
    if row.state == state.OUTSIDE:
        return f"{row.name} is started outside of Tarmac (--without); restart it there"
    return ""


def _stop(row: Row, _: Overview) -> str:
    if row.state == state.OFF:
        return f"{row.name} is off already; `s` starts it"
    if row.role != "service":
        return f"{row.name} is a {row.role or 'store'}: only services stop; `r` restarts it"
    return ""


def _start(row: Row, _: Overview) -> str:
    if row.state not in (state.OFF, state.OUTSIDE, state.STOPPED):
        return f"{row.name} is started already ({row.state}); `r` restarts it"
    return ""


def _scale(row: Row, by: int) -> str:
    if row.role != "service":
        return f"{row.name} is a {row.role or 'store'}: only services have several instances"
    if row.state == state.OFF:
        return f"{row.name} is off; `s` starts it"
    if not 1 <= row.instances + by <= MOST_INSTANCES:
        many = "1 instance" if row.instances == 1 else f"{row.instances} instances"
        end = "`x` stops it" if by < 0 else f"{MOST_INSTANCES} is the most"
        return f"{row.service} has {many}; {end}"
    return ""


def _open(row: Row, _: Overview) -> str:
    return "" if row.page or row.url else f"{row.name} has no page; `c` opens a store's shell"


def _copy(row: Row, _: Overview) -> str:
    return "" if row.address else f"{row.name} has no address"


def _connect(row: Row, _: Overview) -> str:
    if row.role not in ("store", "broker", "service"):
        return f"{row.name} has no shell: only services and stores do"
    if row.role != "service" and row.state == state.OFF:
        return f"{row.name} is off; `s` starts it"
    return ""


def _command(row: Row, overview: Overview) -> str:
    if overview.commands.get(row.service):
        return ""
    return f"{row.service} has no commands; add some to its `commands` in tarmac.yaml"


def _fault(row: Row, _: Overview) -> str:
    return f"{row.name} is off; `s` starts it" if row.state == state.OFF else ""


_CHECKS = {
    "restart": _restart,
    "stop": _stop,
    "start": _start,
    "scale(1)": lambda row, _: _scale(row, 1),
    "scale(-1)": lambda row, _: _scale(row, -1),
    "open_page": _open,
    "copy_address": _copy,
    "connect": _connect,
    "ask_command": _command,
    "fault": _fault,
}
