"""A project is installed where its files are there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_INSTALLS = re.compile(r"\bpoetry\s+(?:-\S+\s+)*(?:install|sync)\b([^&|;]*)")
_LEFT = re.compile(r"--no-root|--only-root|--no-directory\s+--no-root")
#: What is copied to install the others: lists, and nothing of the project itself.
_LISTS = re.compile(
    r"(\./)?([\w./-]*/)?(pyproject\.toml|poetry\.lock\*?|poetry\.toml|README\S*|\*\.toml|poetry\*)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield installations of a project of which only its lists are copied yet."""
    projects = {one.path: _read(one) for one in files.artifacts if _is_project(one)}
    for dockerfile, stage in _installing(files):
        own = projects.get(normpath(join(dirname(dockerfile.path), "pyproject.toml")))
        if own is None or not _is_package(own):
            continue
        copied = [
            source
            for one in stage.before
            if one.word in ("COPY", "ADD")
            for source in _sources(one)
        ]
        for one in stage.instructions:
            if one.word in ("COPY", "ADD"):
                copied += _sources(one)
            found = _INSTALLS.search(one.command) if one.word == "RUN" else None
            if found is None:
                continue
            is_bound = "--mount=type=bind" in one.rest
            if copied and all(map(_LISTS.fullmatch, copied)) and not is_bound:
                later = any(
                    other.word == "COPY" and other.line > one.line for other in stage.instructions
                )
                if not _LEFT.search(found[1]) and later:
                    what = "installs the project itself by `poetry install`, and its files are"
                    said = f"{what} copied only later: Poetry refuses it; write --no-root"
                    where = f"{dockerfile.path}:{one.line}"
                    yield Finding(where, said, warning=True)
            break


def _sources(copy: Instruction) -> list[str]:
    words = copy.operands
    return words[:-1]


def _is_package(data: Mapping[str, Any]) -> bool:
    """Tell whether Poetry installs the project, too."""
    backend = str(dig(data, "build-system", "build-backend") or "")
    return "poetry" in backend and dig(data, "tool", "poetry", "package-mode") is not False


def _is_project(artifact: Artifact) -> bool:
    is_named = artifact.path.rpartition("/")[2] == "pyproject.toml"
    return is_named and isinstance(artifact.content, str)


def _read(artifact: Artifact) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(str(artifact.content))
    except tomllib.TOMLDecodeError:
        return None


@once
def _installing(files: Files) -> Iterator[tuple[Artifact, Stage]]:
    """Yield the stages that install by Poetry."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            if any(_INSTALLS.search(one.rest) for one in stage.instructions):
                yield dockerfile, stage


GATE = Gate(
    id="IMG071",
    title="A project is installed where its files are there",
    phase="containers",
    source="https://python-poetry.org/docs/cli/#install: the project itself is installed, too, "
    "unless --no-root is given; from Poetry 2 on it is an error that its package is not there",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("stages that install by Poetry", _installing),
    targets=("compose", "cluster"),
    reads="poetry install in Dockerfiles with a pyproject.toml beside them that Poetry builds. "
    "Poetry 1 only warns, so all are warnings.",
)
