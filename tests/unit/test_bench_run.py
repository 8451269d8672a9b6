"""What the runner of the benches makes of a file that fails, hangs or lacks a program."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from bench import limits, run
from bench.figure import SMOKE, Absent, Figure, sized


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def _bench(monkeypatch: pytest.MonkeyPatch, name: str, measure: Callable[[], object]) -> None:
    monkeypatch.setitem(sys.modules, f"bench.bench_{name}", SimpleNamespace(measure=measure))


def test_a_file_that_fails_is_named_and_the_next_one_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("listeners")

    _bench(monkeypatch, "up", fail)
    _bench(monkeypatch, "help", lambda: [Figure("help", "ms", 3.0, 2.0, "")])
    assert run.main(["--smoke", "up", "help"]) == 1
    said = capsys.readouterr()
    assert said.err == "bench up: KeyError: 'listeners'\n"
    assert said.out == "help: 3 ms, theirs 2 ms, ratio 1.50\n"


def test_a_file_that_hangs_is_ended_in_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SMOKE_LIMIT_S", 0.05)
    _bench(monkeypatch, "up", threading.Event().wait)
    assert run.main(["--smoke", "up"]) == 1
    assert "bench up: SystemExit: not done after 0.05 s" in capsys.readouterr().err


def test_what_a_file_lacks_is_said_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lack() -> None:
        raise Absent("wrk is not on PATH")

    _bench(monkeypatch, "drills", lack)
    assert run.main(["--smoke", "drills"]) == 0
    assert capsys.readouterr().out == "bench drills: not measured: wrk is not on PATH\n"


def test_an_unknown_name_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(["--smoke", "uqp"])
    assert ended.value.code == 2
    assert "no such file (uqp); choose from " in capsys.readouterr().err


def test_little_is_measured_where_a_bench_is_only_seen_to_run() -> None:
    assert sized(7, 1) == 7
    os.environ[SMOKE] = "1"
    assert sized(7, 1) == 1


def test_a_figure_that_is_worse_than_its_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"up": {"up shop": "<= 1.1", "orders": ">= 0.5"}}
    monkeypatch.setattr(limits, "read", lambda: held)
    slow = [Figure("up shop", "s", 3.0, 2.0, ""), Figure("orders", "1/s", 2.0, 2.0, "")]
    _bench(monkeypatch, "up", lambda: slow)
    assert run.main(["--smoke", "--check"]) == 1
    said = capsys.readouterr().err
    assert said == "bench: worse than its limit: up shop: ratio 1.5, limit <= 1.1\n"
    few = [Figure("up shop", "s", 1.0, 2.0, ""), Figure("orders", "1/s", 0.2, 2.0, "")]
    _bench(monkeypatch, "up", lambda: few)
    assert run.main(["--smoke", "--check"]) == 1
    said = capsys.readouterr().err
    assert said == "bench: worse than its limit: orders: ratio 0.1, limit >= 0.5\n"
    _bench(monkeypatch, "up", lambda: [few[0], slow[1]])
    assert run.main(["--smoke", "--check"]) == 0
