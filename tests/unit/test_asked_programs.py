"""What a program of others said is kept by the content of what it read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tarmac.base.errors import TarmacError
from tarmac.check.gates.views.program_answers import ask
from tarmac.check.gates.views.programs import run

SCRIPT = """#!/bin/sh
echo asked >> {log}
cat "$@" || exit 7
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text("one")
    (tmp_path / "tree" / "b.txt").write_text("two")
    path = tmp_path / "program"
    path.write_text(SCRIPT.format(log=tmp_path / "log"))
    path.chmod(0o755)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


def times(program: Path) -> int:
    return program.with_name("log").read_text().count("asked")


def test_the_same_content_is_asked_about_once(program: Path, tree: Path) -> None:
    argv = [str(program), "a.txt"]
    assert [run(argv, tree) for _ in range(3)] == ["one"] * 3
    assert times(program) == 1
    (tree / "b.txt").write_text("other")
    run(argv, tree)
    assert times(program) == 2, "it may read any file of the tree"


def test_a_file_that_is_not_read_changes_nothing(program: Path, tree: Path) -> None:
    argv = [str(program), "a.txt"]
    run(argv, tree, reads=["a.txt"])
    (tree / "b.txt").write_text("other")
    assert run(argv, tree, reads=["a.txt"]) == "one"
    assert times(program) == 1
    (tree / "a.txt").write_text("new")
    assert run(argv, tree, reads=["a.txt"]) == "new"


def test_an_answer_that_names_the_folder_names_the_one_that_is_asked_about(
    program: Path, tree: Path, tmp_path: Path
) -> None:
    program.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/log\necho $PWD/a.txt: wrong\n")
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    assert run([str(program)], tree) == f"{tree}/a.txt: wrong\n"
    assert run([str(program)], copy) == f"{copy}/a.txt: wrong\n"
    assert times(program) == 1


def test_another_program_or_another_way_to_ask_is_asked(program: Path, tree: Path) -> None:
    run([str(program), "a.txt"], tree)
    run([str(program), "b.txt"], tree)
    program.write_text(program.read_text() + "# the next version\n")
    run([str(program), "a.txt"], tree)
    assert times(program) == 3


def test_a_program_that_failed_is_asked_again(program: Path, tree: Path) -> None:
    argv = [str(program), "c.txt"]
    for _ in range(2):
        with pytest.raises(TarmacError, match="program: ended with 7: cat: "):
            run(argv, tree)
    assert times(program) == 2
    assert ask(argv, tree, codes=(7,)).code == 7
