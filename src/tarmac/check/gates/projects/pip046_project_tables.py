"""Tables of a pyproject.toml are those that a program reads."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Those of the standards, by what people write for them.
_ALIKE = {
    "tools": "tool", "projects": "project", "build_system": "build-system",
    "buildsystem": "build-system", "build-systems": "build-system",
    "dependency_groups": "dependency-groups", "dependencygroups": "dependency-groups",
    "dependency-group": "dependency-groups",
}  # fmt: skip
#: Programs that read a table below `tool`.
_PROGRAMS = frozenset((
    "setuptools", "setuptools_scm", "poetry", "ruff", "black", "isort", "mypy", "pytest",
    "coverage", "hatch", "pdm", "uv", "flit", "pyright", "basedpyright", "pylint", "bandit", "tox",
    "towncrier", "commitizen", "semantic_release", "cibuildwheel", "maturin", "scikit-build",
))  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield tables by a name that is nearly one which is read."""
    for artifact in _projects(files):
        try:
            found = tomllib.loads(str(artifact.content))
        except tomllib.TOMLDecodeError:
            continue
        for name, given in found.items():
            own = _ALIKE.get(name.lower()) or (f"tool.{name}" if name in _PROGRAMS else "")
            if own and own != name and isinstance(given, dict):
                what = f"no program reads the table {name}, so what is written there does nothing"
                yield Finding(_line(artifact, name), f"{what}; write {own}")


def _line(artifact: Artifact, name: str) -> str:
    head = re.compile(rf'\s*\[+\s*"?{re.escape(name)}"?\s*[.\]]')
    lines = str(artifact.content).splitlines()
    number = next((n for n, line in enumerate(lines, 1) if head.match(line)), 1)
    return f"{artifact.path}:{number}"


@once
def _projects(files: Files) -> Iterator[Artifact]:
    for artifact in files.artifacts:
        is_text = isinstance(artifact.content, str)
        if is_text and posixpath.basename(artifact.path) == "pyproject.toml":
            yield artifact


GATE = Gate(
    id="PIP046",
    title="Tables of a pyproject.toml are those that a program reads",
    phase="delivery",
    source="https://packaging.python.org/en/latest/specifications/pyproject-toml: the tables are "
    "build-system, project, dependency-groups and tool, and programs have theirs below tool",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("projects of Python", _projects),
    targets=("repository",),
    reads="the tables at the top of each pyproject.toml: names that are nearly those of the "
    "standard, and programs that have their table below `tool`.",
)
