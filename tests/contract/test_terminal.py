"""No name that a verb prints steers a terminal, hides a part of a line or reverses it."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from tarmac.cli.output.printing import PlainConsole
from tarmac.cli.output.terminal import PlainStream, wrapped
from tarmac.cli.output.waiting import waiting

#: A title, a cleared screen, a bell, hidden text, a returned line, reversed and invisible letters.
HOSTILE = "a\x1b]0;title\x07\x1b[2Jb\x1b[8mc\rd\x9b2Je\u202ef\u200bg"
#: What Tarmac itself sends: colours, weights and links of rich, the cursor, lines.
OWN = re.compile(
    r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b\x07]*\x1b\\|\x1b\[\?25[lh]|\x1b\[[0-9]*[AKG]|\r(?=\x1b)|\r?\n"
    r"|\r[a-z ]+: \d+ s(?=\r)|\r +\r"
)


def is_plain(said: str) -> bool:
    return OWN.sub("", said).isprintable() and "\x1b[8m" not in said and "\x1b[2J" not in said


def test_text_that_is_echoed_is_escaped() -> None:
    terminal = io.StringIO()
    stream = PlainStream(terminal)
    stream.write(f"{HOSTILE}\n\tnext\n")
    stream.writelines([HOSTILE])
    said = terminal.getvalue()
    assert "\x1b" not in said
    assert said.replace("\n", "").replace("\t", "").isprintable()
    assert r"a\x1b]0;title\x07\x1b[2Jb" in said
    assert "\n\tnext\n" in said


def test_text_that_is_drawn_is_escaped_and_our_own_colours_stay() -> None:
    terminal = io.StringIO()
    console = PlainConsole(file=terminal, force_terminal=True, width=300, color_system="standard")
    table = Table(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    console.print(table, f"[bold]{HOSTILE}[/bold]", HOSTILE)
    console.print(HOSTILE, style="bold red", soft_wrap=True)
    with console.status(HOSTILE):
        pass
    said = terminal.getvalue()
    assert "\x1b[31m" in said
    assert is_plain(said), repr(said)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("short", ["short"]),
        ("one two three four five", ["one two three", "  four five"]),
        ("  one two three four", ["  one two three", "    four"]),
        ("web    one two three", ["web    one two", "       three"]),
        ("say `a b c d` now, do", ["say `a b c d`", "  now, do"]),
        ("a/path/of/one/long/word and more", ["a/path/of/one/long/word", "  and more"]),
        ("  $ a command stays whole", ["  $ a command stays whole"]),
    ],
)
def test_a_long_line_is_broken_at_its_words_and_goes_on_below_its_last_column(line, lines) -> None:
    assert wrapped(f"{line}\nnext\n", 15).splitlines() == [*lines, "next"]


def test_what_takes_long_is_told_on_a_terminal_alone_and_wiped_away(monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("tarmac.cli.output.waiting.SILENT_S", 0.001)
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr("sys.stderr", stream)
        with waiting("rendering"):
            deadline = time.monotonic() + 5
            while not stream.getvalue() and stream.isatty() and time.monotonic() < deadline:
                time.sleep(0.01)
        said = stream.getvalue()
        assert said.startswith("\rrendering: 0 s") == stream.isatty()
        assert not said.split("\r")[-1]
        assert "\x1b" not in said


def on_a_terminal(*arguments: str, folder: Path) -> str:
    """What a verb writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tarmac", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, stdin=theirs) as verb:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 1 << 16):
                said += part
        except OSError:  # Linux: the other side is closed
            pass
        verb.wait(60)
    os.close(ours)
    assert said
    return said.decode(errors="surrogateescape")


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--files", "."),
        ("verify", "--files", ".", "--format", "github"),
        ("init", "--stdout"),
        ("init", "--check"),
        ("up", HOSTILE),
        ("explain", HOSTILE),
        ("logs", HOSTILE),
        ("trace", HOSTILE),
    ],
    ids=["verify", "github", "init", "init --check", "up", "explain", "logs", "trace"],
)
def test_names_of_a_hostile_repository_are_escaped_on_a_terminal(tmp_path, arguments) -> None:
    name = HOSTILE.replace("/", "")
    (tmp_path / f"{name}.yaml").write_text("kind: Deployment\napiVersion: apps/v1\nspec: [\n")
    (tmp_path / f"{name}-2.yaml").write_text(
        "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: x}\nspec: {replicas: x}\n"
    )
    (tmp_path / name).mkdir()
    (tmp_path / name / "package.json").write_text('{"scripts": {"start": "node a.js"}}')
    (tmp_path / "Procfile").write_text(f"web: run {name}\n")
    said = on_a_terminal(*arguments, folder=tmp_path)
    assert is_plain(said), repr(said[:2000])
