"""Help texts are read by everyone: each change of one is reviewed as a difference of its file."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac

FOLDER = Path(__file__).parent / "help"
VERBS = sorted(tarmac.list_commands(click.Context(tarmac)))


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_as_reviewed(verb):
    args = [verb, "--help"] if verb else ["--help"]
    shown = CliRunner().invoke(tarmac, args, prog_name="tarmac", terminal_width=100)
    assert shown.exit_code == 0, shown.output
    golden = FOLDER / f"{verb or 'tarmac'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown.output)
    assert shown.output == golden.read_text()


def test_every_file_is_of_a_verb():
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted([*VERBS, "tarmac"])
