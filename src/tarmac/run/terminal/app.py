"""The terminal's program: it shows overviews and log lines, and asks the supervisor by keys.

Used by `tarmac ui` and `tarmac up --ui`. All that is shown is computed by pure functions; nothing
here moves by itself.
"""

from __future__ import annotations

import asyncio
import time
import webbrowser
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from rich.text import Text
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.events import Click, Resize
from textual.widgets import Input

from tarmac.base.errors import TarmacError
from tarmac.run.local.supervisor.activity import Edge, Observation
from tarmac.run.terminal import drawing, keys, process_table
from tarmac.run.terminal.lines import Lines
from tarmac.run.terminal.log_pane import LogPane
from tarmac.run.terminal.overview import Fault, Link, Overview, Row, effect_of, overview_of
from tarmac.run.terminal.running_system import RunningSystem
from tarmac.run.terminal.screens import Traces, command_panel, fault_panel, hints, keys_panel
from tarmac.run.terminal.threads import beside

#: States are looked at so often; CPU and memory, which take longer, less often.
LOOK_S, USAGE_S = 1.0, 3.0
#: Rates are those of the last seconds.
RATE_S = 5.0
CSS = """
Screen { layout: vertical; background: ansi_default; color: ansi_default; }
Lines { background: ansi_default; color: ansi_default; height: 1; }
#pane, #log, #bars { height: 1fr; }
#foot { height: 2; }
#question { display: none; height: 1; border: none; padding: 0 1; background: ansi_default; }
#question.asked { display: block; }
Panel { align: center middle; background: ansi_default; }
#panel { width: auto; max-width: 100%; height: auto; max-height: 100%; border: round ansi_cyan;
         background: ansi_default; padding: 0 1; overflow-y: auto; scrollbar-size-vertical: 1;
         scrollbar-color: ansi_cyan; scrollbar-background: ansi_default; }
#panel Static { width: auto; background: ansi_default; }
"""


class TerminalApp(App[None]):
    """Processes above, the log of the chosen one below."""

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    BINDINGS = [  # noqa: RUF012 - Textual's way
        *(Binding(names, action, show=False) for names, action in keys.bindings()),
        Binding("escape", "clear", show=False),
    ]

    def __init__(self, asked: RunningSystem, name: str = "") -> None:
        """Take the system to show; `name` is what it is called until it was looked at."""
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.title = f"tarmac {name}"
        self.asked = asked
        self.overview = Overview(system=name, running=True)
        self.chosen = ""
        self.pane = LogPane(asked)
        self.message = Text("reading ...", "dim")
        self.named = ""
        #: Those that were caused from here, the last one last; none after they were undone.
        self.faults: tuple[Fault, ...] = ()
        self._observations: deque[Observation] = deque()
        self._is_zoomed = False
        #: What the open question is about: `lines` or `processes`.
        self._question = ""
        #: Services, and `faults`, whose last change is not over.
        self._changing: set[str] = set()
        self._first_row = 0

    def compose(self) -> ComposeResult:
        """Show the parts, from above."""
        yield Lines(self._draw_head, id="head")
        yield Lines(self._draw_table, id="table")
        yield self.pane
        yield Input(id="question", compact=True)
        yield Lines(self._draw_foot, id="foot")

    def on_mount(self) -> None:
        """Begin to look."""
        self.run_worker(self._look())

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are shown."""
        return (self.overview.named(self.named) if self.named else self.overview).rows

    @property
    def row(self) -> Row | None:
        """The chosen row."""
        return self.overview.row(self.chosen)

    def _draw_head(self, width: int, _: int) -> list[Text]:
        lasting = (fault for fault in self.faults if fault.edges)
        active = ", ".join(effect_of(fault, self.overview.links) for fault in lasting)
        return [process_table.head(self.overview, width, active)]

    def _draw_table(self, width: int, height: int) -> list[Text]:
        lines, self._first_row = process_table.table(
            self.rows, self.chosen, width, height, time.time()
        )
        return lines

    def _draw_foot(self, width: int, _: int) -> list[Text]:
        message = self.message.copy()
        message.truncate(width - 1, overflow="ellipsis")
        return [Text(" ").append_text(message), hints(keys.hints(), width)]

    def say(self, text: str, style: str = "") -> None:
        """Show a message above the keys."""
        self.message = Text(drawing.fitted(text, 400), style)
        self._redraw("#foot")

    def _redraw(self, *parts: str) -> None:
        """Draw parts of the first screen again; others may be before it."""
        if self.screen_stack:
            for lines in self.screen_stack[0].query(", ".join(parts or ("Lines",))).results(Lines):
                lines.redraw()

    async def _look(self) -> None:
        while True:
            await self._look_once()
            await asyncio.sleep(LOOK_S)

    async def _look_once(self) -> None:
        last = self._observations[-1] if self._observations else None
        is_recent = last is not None and time.monotonic() - last.used_at < USAGE_S
        self._see(await beside(partial(self.asked.observe, last if is_recent else None)))

    def _see(self, found: Observation | None) -> None:
        """Show a new observation."""
        is_first = not self._observations
        if found is not None:
            if not is_first and found.at < self._observations[-1].at:
                return  # a later one was faster
            is_same = not is_first and _is_same(self._observations, found)
            self._observations.append(found)
            while found.at - self._observations[0].at > RATE_S and len(self._observations) > 2:
                self._observations.popleft()
            if is_same:
                return
        before = self._observations[0] if self._observations else None
        was_running = self.overview.running
        new = overview_of(before, found, self.overview)
        self.overview = new if new.system else replace(new, system=self.overview.system)
        if was_running and not self.overview.running:
            self.faults = ()
            self.say("the system is stopped; `q` leaves", "bold yellow")
        elif is_first:
            is_known = self.overview.is_counted or not self.overview.links
            self.say("" if is_known else "`i` counts requests", "dim")
        if self.row is None:
            self._choose(self.rows[0].name if self.rows else "")
        self.pane.look(self.row)
        self._fit()
        self._redraw("#head", "#table")

    def _fit(self) -> None:
        """Give the table as many lines as it has rows, and the log at least half of the screen."""
        most = 0 if self._is_zoomed else max(4, (self.size.height - 4) // 2)
        # An observation may come while the program ends, when there is no screen any more.
        for table in self.screen_stack[0].query("#table") if self.screen_stack else ():
            table.styles.height = min(len(self.rows) + 1, most)

    def _choose(self, name: str) -> None:
        """Choose a process, and show its log."""
        if name != self.chosen:
            self.chosen = name
            if not self.pane.of_all and self.row is not None:
                self.pane.open(self.row)
            self._redraw("#table")

    def on_click(self, event: Click) -> None:
        """Choose the process that is clicked on."""
        if event.widget is not None and event.widget.id == "table":
            at = self._first_row + event.y - 1
            if 0 <= at < len(self.rows):
                self._choose(self.rows[at].name)

    def on_resize(self, event: Resize) -> None:
        """Fit the parts to the terminal."""
        del event
        self._fit()

    # What keys show

    def action_choose(self, by: int) -> None:
        """Choose the process above or below."""
        names = [row.name for row in self.rows]
        if names:
            at = names.index(self.chosen) if self.chosen in names else 0
            self._choose(names[max(0, min(at + by, len(names) - 1))])

    def action_scroll(self, pages: int) -> None:
        """Scroll the log by pages."""
        self.pane.scroll_pages(pages)

    def action_log_start(self) -> None:
        """Go to the oldest line."""
        self.pane.to_start()

    def action_log_end(self) -> None:
        """Follow the end."""
        self.pane.follow(on=True)

    def action_follow(self) -> None:
        """Follow the end, or stay."""
        self.pane.follow(on=not self.pane.book.follows)

    def action_level(self) -> None:
        """Show lines of the next level."""
        self.pane.choose(level=self.pane.level + 1)

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.pane.wrap()

    def action_all_logs(self) -> None:
        """Show all logs, or one."""
        self.pane.open(self.row if self.pane.of_all else None)

    def action_zoom(self) -> None:
        """Give the log the whole screen, or a part."""
        self._is_zoomed = not self._is_zoomed
        self._fit()

    def action_ask_lines(self) -> None:
        """Ask for a text of lines."""
        self._ask("lines", "text of the lines to show", self.pane.search)

    def action_ask_processes(self) -> None:
        """Ask for a text of names."""
        self._ask("processes", "text of the names or groups to show", self.named)

    def _ask(self, what: str, about: str, value: str) -> None:
        question = self.query_one("#question", Input)
        question.placeholder, question.value = about, value
        self._question = what
        question.add_class("asked")
        question.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter with every character."""
        if self._question == "lines":
            self.pane.choose(search=event.value)
        elif self._question == "processes":
            self._show_named(event.value)

    def _show_named(self, text: str) -> None:
        self.named = text
        if self.row not in self.rows and self.rows:
            self._choose(self.rows[0].name)
        self._fit()
        self._redraw()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._question = ""
        self.query_one("#question", Input).remove_class("asked")
        self.set_focus(None)

    def action_clear(self) -> None:
        """Show everything again."""
        self.on_input_submitted()
        self.pane.choose(level=0, search="")
        self._show_named("")
        self.say("")

    def action_help(self) -> None:
        """List the keys."""
        self.push_screen(keys_panel(self.size.height))

    def action_traces(self) -> None:
        """Show the latest traces of the chosen service, after a fault those since it."""
        row = self.row
        service = row.service if row is not None and row.role == "service" else ""
        self.push_screen(Traces(self.asked, service, self.faults[-1].at if self.faults else None))

    def action_open_page(self) -> None:
        """Open its page."""
        if (row := self._able("open_page")) is not None:
            self._open(row.page or row.url)

    def action_open_dashboard(self) -> None:
        """Open the dashboard."""
        if self.overview.dashboard:
            self._open(self.overview.dashboard)
        else:
            self.say("there is no dashboard: the system is stopped, or starts", "yellow")

    def _open(self, url: str) -> None:
        shown = url.partition("?")[0]  # a token may follow
        try:
            browser = webbrowser.get()
        except webbrowser.Error:
            self.copy_to_clipboard(url)
            self.say(f"no browser on this machine; copied {shown}", "yellow")
            return
        browser.open(url)
        self.say(f"opened {shown}")

    def action_copy_address(self) -> None:
        """Copy its address."""
        if (row := self._able("copy_address")) is not None:
            self.copy_to_clipboard(row.address)
            self.say(f"copied {row.address}")

    def action_connect(self) -> None:
        """Open a shell in this terminal until it ends."""
        if (row := self._able("connect")) is None:
            return
        self._lend(partial(self.asked.shell, row), "a shell; use `tarmac connect`")

    def action_ask_command(self) -> None:
        """Ask which of a service's commands, and run it in this terminal."""
        if (row := self._able("ask_command")) is not None:
            names = self.overview.commands[row.service]
            chosen = partial(self._run_command, row, names)
            self.push_screen(command_panel(row.service, names), chosen)

    def _run_command(self, row: Row, names: Sequence[str], choice: str | None) -> None:
        if choice:
            run = partial(self.asked.run_command, row, names[int(choice) - 1])
            self._lend(run, "a command; use `tarmac run`")

    def _lend(self, run: Callable[[], None], what: str) -> None:
        """Run something in this terminal until it ends."""
        try:
            with self.suspend():
                run()
        except SuspendNotSupported:
            self.say(f"this terminal cannot be lent to {what}", "yellow")

    # What keys change

    def action_leave(self) -> None:
        """Leave; the system keeps running."""
        self.exit()

    def action_stop_all(self) -> None:
        """Stop the system, the second time it is asked."""
        if not self.overview.running:
            self.say("the system is stopped already; `q` leaves", "yellow")
        elif self.message.plain.startswith("Q again"):
            self._do("system", "stopping the system", self.asked.down, then=self.exit)
        else:
            self.say(f"Q again stops {self.overview.system} and leaves; Esc does not", "yellow")

    def action_restart(self) -> None:
        """Restart the chosen process."""
        if (row := self._able("restart")) is not None:
            self._do(row.service, f"restarting {row.name}", partial(self.asked.restart, row))

    def action_stop(self) -> None:
        """Stop the chosen service."""
        if (row := self._able("stop")) is not None:
            self._do(row.service, f"stopping {row.service}", partial(self.asked.stop, row))

    def action_start(self) -> None:
        """Start what is off."""
        if (row := self._able("start")) is not None:
            self._do(row.service, f"starting {row.service}", partial(self.asked.start, row))

    def action_scale(self, by: int) -> None:
        """Run one instance more or less."""
        if (row := self._able(f"scale({by})")) is not None:
            many = row.instances + by
            self._do(row.service, f"scaling {row.service}", partial(self.asked.scale, row, many))

    def action_fault(self) -> None:
        """Ask which fault, and do it."""
        if (row := self._able("fault")) is not None:
            links = self.overview.links_to(row.service)
            self.push_screen(fault_panel(row, links), partial(self._disturb, row, links))

    def _disturb(self, row: Row, links: Sequence[Link], choice: str | None) -> None:
        edges = tuple(link.id for link in links)
        if choice == "u":
            self._do("faults", "undoing", self.asked.undo, then=partial(self._met, ()))
        elif choice:
            kind = {"k": "kill", "s": "slow"}.get(choice, "cut")
            if choice.isdigit():
                edges = edges[int(choice) - 1 : int(choice)]
            if kind == "kill":
                edges = ()
            elif not edges:
                self.say(f"no edge leads to {row.service}; `! k` kills it", "yellow")
                return
            fault = Fault(kind, row.service, edges, time.time())
            doing = partial(self.asked.disturb, kind, row, edges)
            self._do(
                "faults",
                f"{kind} {row.name}",
                doing,
                then=partial(self._met, (*self.faults, fault)),
            )

    def _met(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        self._redraw("#head")

    def action_count_requests(self) -> None:
        """Count requests on the edges, or do not."""
        if self._able("count_requests") is not None:
            on = not self.overview.is_counted
            self._do("edges", "asking", partial(self.asked.count_requests, on=on))

    def _able(self, action: str) -> Row | None:
        """Return the chosen row; None where a key can do nothing to it, which is said."""
        why = keys.why_not(action, self.row, self.overview)
        if why:
            self.say(why, "yellow")
            return None
        return self.row

    def _do(
        self, name: str, doing: str, done: Callable[[], str], then: Callable[[], None] | None = None
    ) -> None:
        """Ask the supervisor beside what is shown, and say what came of it."""
        if name in self._changing:
            self.say(f"{name}: the last change is not over yet", "yellow")
            return
        self._changing.add(name)
        self.say(f"{doing} ...", "cyan")
        self.run_worker(self._done(name, done, then))

    async def _done(
        self, name: str, done: Callable[[], str], then: Callable[[], None] | None
    ) -> None:
        try:
            said = await beside(done)
            await self._look_once()  # the next key is about what is so now
            self.say(said, "green")
        except (TarmacError, OSError) as error:
            self.say(str(error), "bold red")
        else:
            if then is not None:
                then()
        finally:
            self._changing.discard(name)


def _is_same(earlier: Sequence[Observation], now: Observation) -> bool:
    """Tell whether nothing is to be drawn again: an idle system costs next to nothing."""
    first, last = earlier[0], earlier[-1]
    if now.used_at != last.used_at or not first.status == last.status == now.status:
        return False
    counts = [list(map(_counted, one.edges)) for one in (first, last, now)]
    return counts[0] == counts[1] == counts[2]


def _counted(edge: Edge) -> tuple[object, object]:
    """Return what is shown of an edge: not its bytes, which are others all the time."""
    return edge.get("requests"), edge.get("effect")
