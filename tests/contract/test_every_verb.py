"""What can be asked of all verbs alike: lines that fit, no codes in a pipe, one JSON document.

Each runs in this process: with its help, in a folder without a system, and beside a system that
never ran.
"""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from tarmac.cli.main import main, tarmac

ROOT = Path(__file__).parents[2]
CONTEXT = click.Context(tarmac, info_name="tarmac")
VERBS = tarmac.list_commands(CONTEXT)
#: Verbs that never end, or become another program, where there is a system.
OPEN = {"mcp", "run", "ui"}
WIDTH = 80
LOCALE = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
SYSTEM = """\
tarmac: 1
system: notes
services:
  web: {run: [sleep, "9"], calls: [api]}
  api: {run: [sleep, "9"], port: 18099, stores: {db: db}}
stores: {db: postgres}
environments: {production: {}, staging: {}}
"""
#: What else a verb needs so that it comes to the system; a verb without an entry needs nothing.
WORDS = {
    "connect": ["db"],
    "diff": ["HEAD"],
    "docs": ["--out", "pages"],
    "env": ["web"],
    "explain": ["web"],
    "fetch": ["--check"],
    "journal": ["tarmac.yaml"],
    "new": ["service", "web"],
    "promote": ["--to", "staging", "--image", "web=1"],
    "report": ["--kind", "readiness"],
    "reset": ["db", "--yes"],
    "snapshot": ["list"],
    "start": ["web"],
    "stop": ["web"],
    "token": ["web"],
    "up": ["--only"],
    "verify": ["--env", "nope"],
}


#: What takes long, or writes, without a system.
SLOW = {"doctor": ["doctor", "nope"], "init": ["init", "nope"]}


class Said(NamedTuple):
    """What a verb printed, and its exit code."""

    output: str
    errors: str
    code: int


class Terminal(io.TextIOWrapper):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give what runs a verb in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in LOCALE:
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, of: type[io.TextIOWrapper] = io.TextIOWrapper) -> Said:
        streams = [of(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["tarmac", *words])
            for name, stream in zip(("stdout", "stderr"), streams, strict=True):
                patched.setattr(sys, name, stream)
            with pytest.raises(SystemExit) as ending:
                main()
        texts = [stream.buffer.getvalue().decode() for stream in streams]
        return Said(*texts, int(ending.value.code or 0))

    return run


def beside_a_system(verb: str) -> list[str]:
    Path("tarmac.yaml").write_text(SYSTEM)
    return [verb, *WORDS.get(verb, [])]


def has_json(verb: str) -> bool:
    command = tarmac.get_command(CONTEXT, verb)
    return any("--json" in option.opts for option in command.params)


def too_wide(text: str) -> list[str]:
    """Lines that are broken within a word: those that are longer though a break was possible."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return [
        line
        for line in plain.splitlines()
        if len(line.rstrip()) > WIDTH and len(re.sub(r"`[^`]*`", "`", line).split()) > 1
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_on_a_terminal_of_eighty_columns_each_line_fits(run, verb):
    said = [run(verb, "--help", of=Terminal)]
    if verb not in {*OPEN, "schema"}:
        said.append(run(*SLOW.get(verb, [verb]), of=Terminal))
        said.append(run(*beside_a_system(verb), of=Terminal))
    assert [too_wide(one.output + one.errors) for one in said] == [[]] * len(said)


@pytest.mark.parametrize("verb", sorted({*VERBS} - OPEN))
def test_a_pipe_gets_no_codes_whole_lines_and_one_line_for_an_error(run, verb):
    said = run(*beside_a_system(verb))
    assert "\x1b" not in said.output + said.errors
    assert "Traceback" not in said.errors
    assert said.code in (0, 1, 2, 3)
    if said.code and not said.errors.startswith("Usage: "):
        assert re.fullmatch(r"([^ ].*: .+\n)*", said.errors), said.errors


@pytest.mark.parametrize("verb", sorted(filter(has_json, VERBS)))
def test_with_json_a_verb_prints_one_document_also_when_it_fails(run, verb):
    said = [run(verb, "--nope", "--json"), run(*SLOW.get(verb, [verb]), "--json")]
    said.append(run(*beside_a_system(verb), "--json"))
    for one in said:
        found = json.loads(one.output)
        if isinstance(found, dict) and "error" in found:
            assert found["exit_code"] == one.code
            assert found["error"] in one.errors
            assert all(set(problem) == {"where", "what"} for problem in found["problems"])


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["ps"], "`tarmac up`"),
        (["ps", "notes"], "`tarmac up notes`"),
        (["logs", "notes/tarmac.yaml", "web"], "`tarmac up notes/tarmac.yaml`"),
        (["stop", "notes", "web", "-n", "copy"], "`tarmac up notes -n copy`"),
        (["writes", "-n", "copy"], "`tarmac up -n copy --read-only`"),
    ],
)
def test_an_error_names_the_command_as_it_is_typed_here(run, words, command):
    folder = Path() if "notes" not in str(words) else Path("systems/notes")
    folder = Path("notes") if "/" in str(words) else folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tarmac.yaml").write_text(SYSTEM)
    assert command in run(*words).errors


def test_no_color_leaves_a_terminal_without_codes(run, monkeypatch):
    coloured = run(*beside_a_system("explain"), of=Terminal)
    assert "\x1b[" in coloured.output
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("explain", "web", of=Terminal).output


def test_a_table_is_cut_for_a_terminal_and_whole_in_a_pipe(run):
    name = "a-service-with-a-name-of-forty-letters-x"
    Path("tarmac.yaml").write_text(SYSTEM.replace("web", name))
    written = run("explain", name).output
    assert re.search(r"calls +api.* tarmac.yaml:4:\d+\n", written)
    shown = run("explain", name, of=Terminal).output
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines())) <= WIDTH


@pytest.mark.parametrize(
    "words",
    [["docs", "--out", "file/pages"], ["new", "system", "file/x", "--yes"], ["init", "file"]],
    ids=["docs", "new", "init"],
)
def test_a_file_where_a_folder_must_be_is_one_line(run, words):
    beside_a_system("docs")
    Path("file").write_text("")
    said = run(*words)
    assert said.code == 2
    assert re.fullmatch(r"file.*: .+; .+\n", said.errors), said.errors


def test_the_page_of_json_names_every_verb_that_prints_it():
    page = (ROOT / "docs/reference/json.md").read_text()
    listed = {*re.findall(r"^## `tarmac ([a-z-]+)", page, re.MULTILINE)}
    left_out = re.search(r"Not listed.*?\n\n", page, re.DOTALL).group()
    assert {*filter(has_json, VERBS)} - listed - {*re.findall(r"`([a-z-]+)`", left_out)} == set()


def test_closed_streams_are_no_error(run, monkeypatch):
    beside_a_system("explain")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(sys, "argv", ["tarmac", "explain"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 0
