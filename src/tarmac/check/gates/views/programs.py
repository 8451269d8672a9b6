"""Asks programs of others about the tree on disk; shared by the gates that wrap one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.errors import TarmacError
from tarmac.base.installed import find_program
from tarmac.base.places import cache_folder
from tarmac.base.report import Skip
from tarmac.base.tools import how_to_get
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pipelines.workflows import FOLDER
from tarmac.check.gates.views.program_answers import LONGEST_S, ask, named
from tarmac.check.schemas import convert

CHECKS = files("tarmac") / "assets" / "checks"
#: For a program in Go that computes for seconds: its memory is looked through less often, which
#: takes a third of the time and twice the little memory.
MORE_MEMORY = {"GOGC": "400"}


def tree(subject: Subject) -> Path:
    """Find the tree on disk. Raises Skip."""
    if subject.folder is None:
        raise Skip("nothing was written to disk; `tarmac render` writes what this one reads")
    return subject.folder


def objects_of(subject: Files) -> list[Artifact]:
    """List the objects of a tree that an API server reads."""
    return [
        artifact
        for artifact in subject.raw
        if artifact.is_object and convert.is_object(artifact.data)
    ]


def objects(subject: Subject, folder: Path) -> list[Artifact]:
    """List the objects that are on disk."""
    return [artifact for artifact in objects_of(subject) if (folder / artifact.path).exists()]


def find(name: str) -> str:
    """Find a program on PATH or where .ci/tools puts it. Raises Skip."""
    own = cache_folder() / "programs" / "checkers" / "bin"
    found = find_program(name) or find_program(name, str(own))
    if found is None:
        raise Skip(f"{name} is not on this machine; {how_to_get(name)}")
    return found


def found_files(artifacts: Iterable[Artifact]) -> list[str]:
    """List files that are judged without a plan, so that a program takes none for an option."""
    paths = {artifact.path for artifact in artifacts if not artifact.built_by}
    return sorted(path if path.startswith("/") else f"./{path}" for path in paths)


def workflow_files(folder: Path) -> list[str]:
    """List the workflows of a tree on disk."""
    found = (path for end in ("*.yml", "*.yaml") for path in (folder / FOLDER).glob(end))
    return sorted(path.relative_to(folder).as_posix() for path in found)


def run(
    argv: list[str],
    folder: Path,
    codes: Iterable[int] = (0, 1),
    reads: Iterable[str] | None = None,
    seconds: float = LONGEST_S,
    keep: bool = True,
) -> str:
    """Run a program in a folder and return what it printed.

    Args:
        codes: those with which it ends when it has worked, with findings or without.
        reads, seconds, keep: see `ask`.

    Raises:
        TarmacError: it did not work.
    """
    answer = ask(argv, folder, codes, reads, seconds=seconds, keep=keep)
    if answer.code not in codes:
        what = f"ended with {answer.code}: {answer.errors.strip()[-500:]}"
        raise TarmacError(f"{Path(argv[0]).name}: {what}")
    return answer.output or answer.errors


def read(text: str) -> Any:
    """Read a program's JSON; nothing printed is an empty list."""
    return json.loads(text) if text.strip() else []


def rendered(subject: Subject, folder: Path, *patterns: str) -> list[str]:
    """List the tree's files of these names; in a foreign repository, those that are rendered."""
    if subject.plan.settings.target != "repository":
        return named(folder, *patterns)
    known = [folder / artifact.path for artifact in subject.artifacts]
    found = [e for e in known if e.is_file() and any(e.match(pattern) for pattern in patterns)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def config(name: str) -> Path:
    """Find a program's configuration among Tarmac's own files."""
    with as_file(CHECKS / name) as path:
        return path


@cache
def exceptions(program: str) -> Mapping[str, str]:
    """List the checks of a program that are not asked for, with the reason."""
    text = (CHECKS / "exceptions.yaml").read_text(encoding="utf-8")
    found: Mapping[str, str] = yaml.safe_load(text)[program]
    return found
