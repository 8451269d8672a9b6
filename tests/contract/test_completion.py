"""What a shell offers after `tarmac`: verbs, options, and names of what is in the files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac

MODEL = """\
tarmac: 1
system: corner
services: {till: {run: till, port: 7001}, stock: {run: stock, port: 7002}}
stores: {till-db: postgres}
environments: {staging: {registry: a}, production: {registry: a}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Lay out two systems, enter the folder, and leave no shell of the user's in the way."""
    for name in ("corner", "bakery"):
        (tmp_path / "systems" / name / "drills").mkdir(parents=True)
        (tmp_path / "systems" / name / "tarmac.yaml").write_text(MODEL)
    (tmp_path / "systems/corner/drills/till-kill.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(line):
    """Complete the last word of a line, as bash would ask."""
    words = f"tarmac {line}"
    env = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TARMAC_COMPLETE": "bash_complete",
    }
    done = CliRunner().invoke(tarmac, [], env=env, prog_name="tarmac")
    return [item.partition(",")[2] for item in done.output.split()]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ver", ["verify"]),
        ("up --fast", ["--fast-stores"]),
        ("up c", ["corner"]),
        ("up corner t", ["till", "till-db"]),
        ("drill corner ", ["till-kill"]),
        ("render corner --env p", ["production"]),
        ("verify b", ["bakery"]),
        ("new system mine --like sh", ["shop"]),
        ("help lat", ["latency"]),
        ("deploy corner --env nothing", []),
    ],
)
def test_a_word_that_was_begun_is_completed(folder, line, names):
    del folder
    assert offered(line) == names


def test_in_the_folder_of_a_system_its_own_names_are_offered(folder, monkeypatch):
    monkeypatch.chdir(folder / "systems/corner/drills")
    assert offered("logs st") == ["stock"]


@pytest.mark.parametrize("content", [b"services: [", b"\xff\xfe", b"[]", b"services: 1"])
def test_a_file_that_cannot_be_read_offers_nothing(tmp_path, monkeypatch, content):
    (tmp_path / "tarmac.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert offered("logs t") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell):
    done = CliRunner().invoke(tarmac, ["completion"], env={"SHELL": f"/bin/{shell}"})
    assert f"_TARMAC_COMPLETE={shell}_complete" in done.output


def test_a_shell_without_a_script_is_refused():
    done = CliRunner().invoke(tarmac, ["completion"], env={"SHELL": "/bin/dash"})
    assert "names none of bash, zsh, fish" in done.output


def test_bash_itself_completes_by_the_script(folder):
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    script = """\
eval "$(tarmac completion bash)"
COMP_WORDS=(tarmac up corner st) COMP_CWORD=3
_tarmac_completion tarmac
echo "${COMPREPLY[@]}"
"""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["stock"], done.stderr
