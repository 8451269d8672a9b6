"""What comes before the processes for a moment: the keys, the faults, traces, and a question."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Key as KeyEvent
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tarmac.base.errors import TarmacError
from tarmac.run.telemetry.queries import TraceSummary, TreeSpan
from tarmac.run.terminal import drawing, keys, waterfall
from tarmac.run.terminal.lines import Lines
from tarmac.run.terminal.overview import Link, Row
from tarmac.run.terminal.running_system import SLOW_S, RunningSystem
from tarmac.run.terminal.threads import beside

#: Lines by which keys scroll a panel that is longer than the screen.
SCROLLING = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10}


class Panel(ModalScreen[str]):
    """A frame with lines before the rest; each of its keys ends it."""

    def __init__(self, title: str, lines: Sequence[Text], choices: str = "") -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._choices = choices
        self._is_over = False

    def compose(self) -> ComposeResult:
        """Show the frame."""
        frame = Vertical(Static(Text("\n").join(self._lines)), id="panel")
        frame.border_title = Text(self._title).markup
        yield frame

    def on_key(self, event: KeyEvent) -> None:
        """Scroll, or end with the key that was chosen; a panel without choices ends with any."""
        character = event.character or ""
        event.stop()
        if self._is_over:
            return  # keys are faster than the screen
        if character and character in self._choices:
            self._end(character)
        elif event.key in SCROLLING:
            by = SCROLLING[event.key]
            self.query_one("#panel").scroll_relative(y=by, animate=False)
        elif not self._choices or event.key in ("escape", "q", "ctrl+c"):
            self._end("")

    def _end(self, choice: str) -> None:
        self._is_over = True
        self.dismiss(choice)


def keys_panel(height: int) -> Panel:
    """List the keys, close together where the screen is low."""
    blocks = []
    for section in keys.SECTIONS:
        named = [key for key in keys.KEYS if key.section == section]
        lines = [Text.assemble((f"  {key.shown:<10}", "bold cyan"), key.about) for key in named]
        blocks.append([Text(section, "bold"), *lines])
    spaced = [line for block in blocks for line in (*block, Text(""))][:-1]
    dense = [line for block in blocks for line in block]
    return Panel("Keys", spaced if len(spaced) < height - 4 else dense)


def fault_panel(row: Row, links: Sequence[Link]) -> Panel:
    """List the faults of a process, and the edges that lead to it."""
    many = f"all {len(links)} edges" if len(links) > 1 else "the edge"
    shown = [
        ("k", "kill the process (SIGKILL); Tarmac restarts it"),
        ("s", f"slow: {SLOW_S * 1000:.0f} ms more in each direction on {many} to {row.service}"),
        ("c", f"cut: reset every connection of {many} to {row.service}"),
        ("u", "undo every fault that is active"),
    ]
    lines = [Text.assemble((f" {key}  ", "bold cyan"), about) for key, about in shown]
    if len(links) > 1:
        lines += [Text(""), Text(" a number cuts one edge alone:", "dim")]
    choices = "kscu"
    if len(links) > 1:
        for number, link in enumerate(links[:9], 1):
            choices += str(number)
            lines.append(
                Text.assemble((f" {number}  ", "bold cyan"), f"{link.source} -> {link.target}")
            )
    lines += [Text(""), Text(" Esc: none. Leaving undoes what is slow or cut.", "dim")]
    return Panel(f"Fault on {row.name}", lines, choices)


def command_panel(service: str, names: Sequence[str]) -> Panel:
    """List the commands of a service; a number runs one."""
    numbered = [*enumerate(names[:9], 1)]
    lines = [
        Text.assemble((f" {number}  ", "bold cyan"), f"tarmac run {service} {name}")
        for number, name in numbered
    ]
    choices = "".join(str(number) for number, _ in numbered)
    return Panel(f"Commands of {service}", [*lines, Text(""), Text(" Esc: none", "dim")], choices)


class Traces(ModalScreen[None]):
    """The latest traces, and the chosen one as bars over time; the keys of the app do nothing."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape,q,t,ctrl+c", "leave", show=False),
        Binding("up,k", "choose(-1)", show=False),
        Binding("down,j", "choose(1)", show=False),
        Binding("r", "read", show=False),
        Binding("a", "all", show=False),
    ]

    def __init__(self, asked: RunningSystem, service: str, since_s: float | None) -> None:
        super().__init__()
        self._asked = asked
        self._service = service
        #: When the last fault began; traces that started later met it.
        self._since_s = since_s
        self._traces: list[TraceSummary] = []
        self._spans: list[TreeSpan] = []
        self._chosen = 0
        self._note = "reading ..."

    def compose(self) -> ComposeResult:
        """Show the list above the bars."""
        yield Lines(self._draw_head, id="head")
        yield Lines(self._draw_list, id="traces")
        yield Lines(self._draw_bars, id="bars")
        yield Lines(self._draw_foot, id="foot")

    def on_mount(self) -> None:
        """Read the traces."""
        self.action_read()

    def on_resize(self, event: Resize) -> None:
        """Give the list a third."""
        self.query_one("#traces").styles.height = max(4, event.size.height // 3)

    def action_leave(self) -> None:
        """Go back."""
        if self.is_current:
            self.dismiss(None)

    def action_read(self) -> None:
        """Read the latest traces."""
        self.run_worker(self._read(), exclusive=True)

    def action_choose(self, by: int) -> None:
        """Choose another trace."""
        self._chosen = max(0, min(self._chosen + by, len(self._traces) - 1))
        self.query_one("#traces", Lines).redraw()
        self.run_worker(self._read_spans(), exclusive=True)

    def action_all(self) -> None:
        """Read the traces of all services."""
        self._service = ""
        self.action_read()

    async def _read(self) -> None:
        try:
            found = await beside(partial(self._asked.traces, self._service))
        except TarmacError as error:
            self._note = str(error)
            found = []
        else:
            crossed = f" crossed {self._service}; `a` looks at all" if self._service else ""
            self._note = "" if found else f"no trace{crossed}; send a request, then `r`"
        if self._since_s is not None:
            since_ns = self._since_s * 1e9
            met = [trace for trace in found if trace.started_ns >= since_ns]
            found = met or found
            if not met and found:
                self._note = "no trace since the fault; `r` looks again"
        self._traces, self._chosen = found, 0
        await self._read_spans()

    async def _read_spans(self) -> None:
        self._spans = []
        if self._traces:
            trace_id = self._traces[self._chosen].trace_id
            try:
                self._spans = await beside(partial(self._asked.trace, trace_id))
            except TarmacError as error:
                self._note = str(error)
        for lines in self.query(Lines):
            lines.redraw()

    def _draw_head(self, width: int, _: int) -> list[Text]:
        what = f"Traces that crossed {self._service}" if self._service else "Traces"
        when = " since the fault" if self._since_s is not None else ""
        line = Text(f" {what}{when}", "bold")
        line.truncate(width, pad=True)
        return [line]

    def _draw_list(self, width: int, height: int) -> list[Text]:
        return waterfall.trace_lines(self._traces, self._chosen, width, height)

    def _draw_bars(self, width: int, height: int) -> list[Text]:
        if not self._spans:
            return []
        trace = self._traces[self._chosen]
        title = Text.assemble(("─ ", "dim"), (f"trace {trace.trace_id[:16]}", "bold"))
        title.append(f"  {trace.spans} spans of {trace.services} services ", "dim")
        title.append("─" * max(0, width - title.cell_len), "dim")
        lines = [title, *waterfall.span_lines(self._spans, width)]
        if len(lines) > height:
            lines = [*lines[: height - 1], Text(f"  {len(lines) - height + 1} lines more", "dim")]
        return lines

    def _draw_foot(self, width: int, _: int) -> list[Text]:
        note = drawing.fitted(self._note, width)
        shown = (("↑↓", "choose"), ("r", "read again"), ("a", "all"), ("Esc", "back"))
        return [Text(f" {note}", "yellow"), hints(shown, width)]


def hints(shown: Sequence[tuple[str, str]], width: int) -> Text:
    """Draw keys with what they do, for the last line of a screen: those that fit."""
    line = Text(" ")
    for key, about in shown:
        if line.cell_len + len(key) + len(about) + 1 <= width:
            line.append(key, "bold cyan").append(f" {about}  ", "dim")
    return line
