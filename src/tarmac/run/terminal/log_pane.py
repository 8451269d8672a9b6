"""The log of the chosen process on the screen: reads it on, filters it, and where its reader is."""

from __future__ import annotations

import asyncio
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import MouseScrollDown, MouseScrollUp

from tarmac.base import figures
from tarmac.run.telemetry.line_filter import LineFilter
from tarmac.run.terminal import drawing, log_view
from tarmac.run.terminal.lines import Lines
from tarmac.run.terminal.log_book import LEVELS, LogBook
from tarmac.run.terminal.overview import Row
from tarmac.run.terminal.running_system import LogReader, RunningSystem
from tarmac.run.terminal.threads import beside

READ_S = 0.5
WHEEL_LINES = 3


class LogPane(Vertical):
    """A line that says whose lines they are, and the lines below it."""

    def __init__(self, asked: RunningSystem) -> None:
        super().__init__(id="pane")
        self.asked = asked
        self.book = LogBook()
        self.reader: LogReader | None = None
        #: Whose log it is; None with `of_all`: that of all services.
        self.row: Row | None = None
        self.of_all = False
        self.wraps = False
        self.level = 0
        self.search = ""

    def compose(self) -> ComposeResult:
        """Show the line and the lines."""
        yield Lines(self._draw_rule, id="rule")
        yield Lines(self._draw_log, id="log")

    def on_mount(self) -> None:
        """Begin to read."""
        self.run_worker(self._read_on())

    def open(self, row: Row | None) -> None:
        """Open the log of a process, or with None that of all services."""
        self.row, self.of_all = row, row is None
        wanted, self.book, self.reader = self.book.wanted, LogBook(), None
        self.book.choose(wanted)
        self.run_worker(self._opened(row), group="open", exclusive=True)
        self.redraw()

    def look(self, row: Row | None) -> None:
        """Take the state of the process whose log it is: the line shows why it failed."""
        if self.row is not None and row is not None:
            self.row = row
            self.redraw("#rule")

    def redraw(self, part: str = "Lines") -> None:
        """Draw both again, or one."""
        for lines in self.query(part).results(Lines):  # none before it is mounted, and at the end
            lines.redraw()

    @property
    def lines_seen(self) -> int:
        """How many lines there is room for."""
        return self.query_one("#log").size.height

    def scroll(self, by: int) -> None:
        """Move by lines, back for less than zero."""
        self.book.move(by, self.lines_seen)
        self.redraw()

    def scroll_pages(self, by: int) -> None:
        """Move by pages."""
        self.scroll(by * max(1, self.lines_seen - 1))

    def to_start(self) -> None:
        """Go to the oldest line."""
        self.book.to_start(self.lines_seen)
        self.redraw()

    def follow(self, *, on: bool) -> None:
        """Follow the end, or stay."""
        self.book.follow(on=on)
        self.redraw()

    def wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.wraps = not self.wraps
        self.redraw()

    def choose(self, *, level: int | None = None, search: str | None = None) -> None:
        """Show the lines of a level and above, with a text; None: as before."""
        self.level = self.level if level is None else level % len(LEVELS)
        self.search = self.search if search is None else search
        self.book.choose(LineFilter(level=LEVELS[self.level], text=self.search))
        self.redraw()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll back."""
        self.scroll(-WHEEL_LINES)
        event.stop()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll on."""
        self.scroll(WHEEL_LINES)
        event.stop()

    async def _opened(self, row: Row | None) -> None:
        reader = await beside(partial(self.asked.open_log, row))
        self.book.add(await beside(reader.read))
        self.reader = reader
        self.redraw()

    async def _read_on(self) -> None:
        while True:
            await asyncio.sleep(READ_S)
            reader = self.reader
            if reader is None:
                continue
            lines = await beside(reader.read)
            if lines and reader is self.reader:
                self.book.add(lines)
                self.redraw()

    def _draw_rule(self, width: int, _: int) -> list[Text]:
        of = self.row.name if self.row is not None else "all services" if self.of_all else ""
        line = Text.assemble(("─ ", "dim"), (drawing.fitted(of, width // 2), "bold"))
        at, shown = figures.number(self.book.position()), figures.number(self.book.shown)
        line.append(f"  {at} of {shown} lines", "dim")
        line.append("  following" if self.book.follows else "  stays; End follows", "dim")
        if self.level:
            line.append(f"  {LEVELS[self.level]} and above", "yellow")
        if self.search:
            line.append(f"  with '{drawing.fitted(self.search, 30)}'", "yellow")
        if self.wraps:
            line.append("  wrapped", "dim")
        row = self.row
        if row is not None and row.is_failed and (row.cause or row.detail):
            why = f"likely cause: {row.cause}" if row.cause else row.detail
            line.append(f"  {drawing.fitted(why, width)}", "bold yellow")
        line.append(" ")
        line.truncate(width)
        return [line.append("─" * max(0, width - line.cell_len), "dim")]

    def _draw_log(self, width: int, height: int) -> list[Text]:
        lines = self.book.window(height)
        if not lines:
            return [Text(f"    {self._why_empty()}", "dim")]
        return log_view.page(
            lines, width, height, names=self.of_all, wraps=self.wraps, search=self.search
        )

    def _why_empty(self) -> str:
        if self.book.wanted.chooses:
            return f"none of {figures.number(len(self.book))} lines; Esc shows all"
        return "no lines" if self.reader is not None else "reading ..."
