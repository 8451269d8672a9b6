"""What the pages tell a reader to type works as it stands.

A block fenced as `console` holds lines `$ tarmac ...` that change nothing (help, schema); lines
below a command are what it prints, `...` stands for left-out lines. How wide a table's columns are
depends on the longest path in them, so on the checkout's folder: any run of spaces is as good as
another. Blocks fenced as `sh` are not run here: test_phase_commands.py types those of the phase
pages, tests/e2e does what others do.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from warm import tarmac

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands():
    """Return (page, command, expected lines) for every command of every console block."""
    pages = [*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/**/*.md"))]
    found = []
    for page in pages:
        for block in _BLOCK.findall(page.read_text()):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, *expected = part.rstrip().splitlines()
                found.append((page.relative_to(ROOT).as_posix(), command, expected))
    return found


@pytest.mark.parametrize(("page", "command", "expected"), commands())
def test_a_command_of_a_page_runs_and_prints_what_the_page_shows(page, command, expected, tmp_path):
    program, *arguments = shlex.split(command)
    assert program == "tarmac"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "100"}
    run = tarmac(*arguments, folder=ROOT, environ=environ)
    assert run.returncode == 0, run.stderr
    printed = iter(line.split() for line in run.stdout.splitlines())
    for line in expected:
        # A test of membership moves the iterator on, so the lines must come in the page's order.
        assert line == "..." or line.split() in printed, f"{page} shows {line!r}"


def test_the_pages_show_commands_to_try():
    assert len(commands()) >= 5
