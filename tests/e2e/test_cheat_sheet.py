"""What the cheat sheet has of Tarmac's verbs for a running system, typed from top to bottom."""

from __future__ import annotations

import os
import subprocess

import pytest
from pages import PROGRAMS, ROOT
from sheet import typed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: A copy of its own, beside whatever runs here.
COPY = ("-n", f"sheet-{os.getpid()}")
#: Verbs that have no copies: tests/docs tries them.
WITHOUT = {"doctor", "render", "diff", "verify", "promote", "drill", "game-day"}
#: A log that is followed has no end, and `reset` asks whoever can answer.
INSTEAD = {
    "logs shop order-service -f": "logs shop order-service",
    "reset shop orders-db payments-db": "reset shop orders-db payments-db --yes",
}


def tarmac(verb, *args):
    return subprocess.run(
        [PROGRAMS / "tarmac", verb, *COPY, *args],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def test_the_page_can_be_typed_from_top_to_bottom():
    try:
        for command in typed():
            if command.argv[0] != "tarmac" or command.argv[1] in WITHOUT:
                continue
            words = " ".join(command.argv[1:])
            done = tarmac(*INSTEAD.get(words, words).split())
            assert done.returncode == 0, f"{command.line}\n{done.stdout}{done.stderr}"
    finally:
        tarmac("down", "shop", "--delete-data")
