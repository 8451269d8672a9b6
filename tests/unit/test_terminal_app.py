"""The program of `tarmac ui`, by the keys that a user presses and the lines that are drawn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from terminal_fakes import NODES, FakeSystem, Log, edge, line, status
from textual.pilot import Pilot

from tarmac.run.terminal import app, log_pane
from tarmac.run.terminal.app import TerminalApp

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(app, "LOOK_S", 0.05)
    monkeypatch.setattr(log_pane, "READ_S", 0.02)


@contextlib.asynccontextmanager
async def opened(asked: FakeSystem, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Pilot]:
    """Open the program and wait until it shows the processes."""
    shown = TerminalApp(asked, "small")
    async with shown.run_test(size=size) as pilot:
        await until(pilot, lambda: not shown.message.plain.startswith("reading"))
        yield pilot


async def until(pilot: Pilot, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, screen(pilot)
        await pilot.pause(0.01)


def screen(pilot: Pilot) -> str:
    """Return what is on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def shows(pilot: Pilot, text: str) -> None:
    """Wait until the screen has a text."""
    await until(pilot, lambda: text in screen(pilot))


def chosen(name: str) -> FakeSystem:
    """Give a system of one process."""
    return FakeSystem(status(tuple(node for node in NODES if node.name == name)))


async def test_the_first_screen_has_every_process_its_state_and_the_log_of_the_first():
    asked = FakeSystem(status(off=("mails",)), logs={"orders": Log([line(1, "hello")])})
    async with opened(asked) as pilot:
        await shows(pilot, "hello")
        text = screen(pilot)
        assert "1 crash-loop" in text.splitlines()[0]
        for name, state in (("orders", "healthy"), ("web", "crash-loop"), ("mails", "off")):
            assert any(name in row and state in row for row in text.splitlines())
        assert "? keys" in text
        assert "q quit" in text


async def test_a_text_chooses_lines_as_it_is_typed_and_escape_shows_all_again():
    lines = [line(n, "paid" if n % 10 == 0 else "asked") for n in range(100)]
    async with opened(FakeSystem(logs={"orders": Log(lines)})) as pilot:
        await shows(pilot, "100 of 100 lines")
        await pilot.press("slash", *"PAI")
        await shows(pilot, "10 of 10 lines")
        assert "asked" not in screen(pilot)
        await pilot.press("enter", "r")  # keys are keys again
        await until(pilot, lambda: ("restart", "orders") in pilot.app.asked.asked)
        await pilot.press("escape")
        await shows(pilot, "100 of 100 lines")


async def test_a_level_leaves_out_the_lines_below_it():
    lines = [
        line(1, '{"event": "good", "level": "info"}'),
        line(2, '{"event": "bad", "level": "error"}'),
        line(3, "WARNING: odd"),
    ]
    async with opened(FakeSystem(logs={"orders": Log(lines)})) as pilot:
        await shows(pilot, "good")
        await pilot.press("l", "l")
        await shows(pilot, "warning and above")
        assert "2 of 2 lines" in screen(pilot)
        assert "good" not in screen(pilot)
        await pilot.press("l")
        await shows(pilot, "1 of 1 lines")


async def test_question_mark_lists_the_keys_and_another_key_leads_back():
    async with opened(FakeSystem()) as pilot:
        await pilot.press("question_mark")
        await shows(pilot, "restart it, a service without a gap")
        await pilot.press("x")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("question_mark")
        for key in "xrq":  # faster than the screen
            pilot.app.simulate_key(key)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.app.asked.asked == []


async def test_keys_ask_the_supervisor_and_say_what_came_of_it():
    asked = FakeSystem()
    async with opened(asked) as pilot:
        for key, what in (
            ("r", ("restart", "orders")),
            ("x", ("stop", "orders")),
            ("plus", ("scale", "orders", 2)),
            ("i", ("count", True)),
        ):
            await pilot.press(key)
            await shows(pilot, " ".join(map(str, what)))
            assert asked.asked[-1] == what


async def test_a_key_that_can_do_nothing_says_why_and_asks_nothing():
    asked = chosen("orders-db")
    async with opened(asked) as pilot:
        for key, why in (
            ("x", "only services stop"),
            ("plus", "only services have several instances"),
            ("s", "is started already"),
            ("o", "has no page"),
        ):
            await pilot.press(key)
            await shows(pilot, why)
        asked.now = status(asked.now.nodes, running=False)
        await shows(pilot, "the system is stopped")
        await pilot.press("r")
        await shows(pilot, "the system is not running; start it with `tarmac up`")
    assert asked.asked == []


async def test_an_observation_that_comes_while_the_program_ends_is_passed_over():
    asked = chosen("orders-db")
    async with opened(asked) as pilot:
        await shows(pilot, "orders-db")
    asked.now = status(asked.now.nodes, running=False)
    await pilot.app._look_once()
    assert not pilot.app.overview.running


async def test_a_refusal_of_the_supervisor_is_shown():
    async with opened(FakeSystem(refusal="orders: it has no room")) as pilot:
        await pilot.press("r")
        await shows(pilot, "it has no room")
        assert "orders" in screen(pilot)


async def test_two_keys_cause_a_fault_whose_effect_and_traces_are_shown():
    asked = FakeSystem()
    async with opened(asked) as pilot:
        await pilot.press("exclamation_mark")
        await shows(pilot, "kill the process")
        await pilot.press("s")
        await shows(pilot, "slow orders: 0 delayed")
        assert asked.asked == [("slow", "orders", ("web->orders:http",))]
        asked.edges = (edge("web", "orders", effect={"delayed": 7}),)
        await shows(pilot, "slow orders: 7 delayed")
        await pilot.press("t")
        await shows(pilot, "no connection")
        assert "Traces that crossed orders since the fault" in screen(pilot)
        await pilot.press("x", "s", "Q", "Q")  # keys of the screen below it
        assert asked.asked[-1] == ("traces", "orders")
        await pilot.press("escape", "exclamation_mark", "u")
        await until(pilot, lambda: asked.asked[-1] == ("undo",))
        await until(pilot, lambda: "slow orders" not in screen(pilot))


async def test_a_hundred_thousand_lines_scroll_and_no_more_than_the_bound_are_kept():
    log = Log([line(n) for n in range(100_000)])
    async with opened(FakeSystem(logs={"orders": log})) as pilot:
        await shows(pilot, "line 99999")
        book = pilot.app.pane.book
        assert len(book) == 50_000
        await pilot.press("home")
        await shows(pilot, "line 50000")
        await pilot.press("pagedown")
        await until(pilot, lambda: "line 50000" not in screen(pilot).split())
        log.lines = [line(n) for n in range(100_000, 160_000)]
        await until(pilot, lambda: len(book) == 50_000 and not log.lines)
        await pilot.press("end")
        await shows(pilot, "line 159999")


async def test_hostile_text_in_lines_and_names_is_drawn_and_does_nothing():
    hostile = "\x1b[2J\x1b]0;title\x07[bold red]mark[/] \u202ereversed \x08\x9b31m \x1bc"
    nodes = (NODES[1], NODES[2].__class__("we[b]", "service", hostile, "healthy", detail=hostile))
    lines = [line(1, hostile), line(2, '{"event": "\\u001b[31mred [@click=exit]x[/]"}')]
    asked = FakeSystem(status(nodes), logs={"orders": Log(lines)})
    async with opened(asked, size=(200, 30)) as pilot:
        await shows(pilot, "[bold red]mark[/]")
        text = screen(pilot)
        assert "red [@click=exit]x[/]" in text
        assert "we[b]" in text
        assert all(character.isprintable() or character == "\n" for character in text)
        await pilot.press("exclamation_mark")
        await shows(pilot, "kill the process")


async def test_every_size_shows_processes_log_and_keys():
    nodes = tuple(
        NODES[1].__class__(f"service-{n:02}", "service", "web", "healthy") for n in range(60)
    )
    for size in ((80, 24), (120, 40), (200, 60), (40, 10)):
        logs = {"service-00": Log([line(1, "hello")])}
        async with opened(FakeSystem(status(nodes), logs=logs), size) as pilot:
            await shows(pilot, "hello")
            for _ in range(3):
                await pilot.press("up")
            text = screen(pilot)
            assert "service-00" in text
            assert "? keys" in text
            assert max(map(len, text.splitlines())) <= size[0]


async def test_processes_are_chosen_by_a_text_and_by_arrows_and_have_their_own_log():
    logs = {"web": Log([line(1, "of web")]), "orders": Log([line(1, "of orders")])}
    async with opened(FakeSystem(logs=logs)) as pilot:
        await shows(pilot, "of orders")
        await pilot.press("down")
        await shows(pilot, "of web")
        assert "ended with 7" in screen(pilot)
        await pilot.press("p", *"db", "enter")
        await until(pilot, lambda: pilot.app.chosen == "orders-db")


async def test_a_state_that_lasts_a_moment_is_shown_and_taken_back():
    asked = chosen("orders")
    good = asked.now
    async with opened(asked) as pilot:
        for _ in range(3):
            asked.now = status((replace(NODES[1], state="backoff"),))
            await shows(pilot, "1 backoff")
            asked.now = good
            await shows(pilot, "1 healthy")
            assert "backoff" not in screen(pilot)


async def test_a_shell_is_asked_of_the_system_where_the_terminal_can_be_lent():
    asked = FakeSystem()
    async with opened(asked) as pilot:
        await pilot.press("c")
        await shows(pilot, "use `tarmac connect`")  # the terminal of a test cannot
    assert asked.asked == []


async def test_a_command_of_the_service_is_chosen_by_its_number():
    asked = FakeSystem(status(commands={"orders": ("seed", "console")}))
    async with opened(asked) as pilot:
        await pilot.press("m")
        await shows(pilot, "tarmac run orders console")
        await pilot.press("2")
        await shows(pilot, "use `tarmac run`")  # the terminal of a test cannot be lent
        await pilot.press("p", *"orders-db", "enter", "m")
        await shows(pilot, "orders-db has no commands")
    assert asked.asked == []


async def test_the_system_is_stopped_only_by_the_second_q():
    asked = FakeSystem()
    async with opened(asked) as pilot:
        await pilot.press("Q")
        await shows(pilot, "Q again stops small")
        await pilot.press("escape", "Q")
        assert asked.asked == []
        await pilot.press("Q")
        await until(pilot, lambda: asked.asked == [("down",)])
