"""Tests of real processes are tried a second time, and those that needed it are listed."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from flakes import Flakes, starts_processes


def item(*marks, fixtures=()):
    made = [SimpleNamespace(name=mark) for mark in marks]
    return SimpleNamespace(iter_markers=lambda: made, fixturenames=fixtures)


@pytest.mark.parametrize(
    ("test", "again"),
    [
        (item("servers"), True),
        (item("slow", "e2e"), True),
        (item(fixtures=("tmp_path", "sandbox")), True),
        (item("parametrize", fixtures=("tmp_path",)), False),
    ],
)
def test_only_a_test_that_starts_processes_is_tried_again(test, again):
    assert starts_processes(test) is again


def test_what_needed_a_second_try_is_shown_and_kept_with_its_cause(tmp_path):
    flakes = Flakes(tmp_path / "dist/flakes.jsonl")
    for outcome in ("passed", "rerun"):
        error = "assert 1 == 2\nE  AssertionError: 503"
        flakes.pytest_runtest_logreport(
            SimpleNamespace(outcome=outcome, nodeid=f"t::{outcome}", longrepr=error, duration=1.23)
        )
    lines = []
    flakes.pytest_terminal_summary(
        SimpleNamespace(section=lines.append, write_line=lambda line, **_: lines.append(line))
    )
    assert lines == ["tried a second time", "t::rerun: E  AssertionError: 503"]
    (kept,) = map(json.loads, flakes.file.read_text().splitlines())
    assert (kept["test"], kept["seconds"]) == ("t::rerun", 1.2)


def test_nothing_is_written_where_no_test_was_tried_again(tmp_path):
    flakes = Flakes(tmp_path / "dist/flakes.jsonl")
    flakes.pytest_terminal_summary(None)
    assert list(tmp_path.iterdir()) == []
