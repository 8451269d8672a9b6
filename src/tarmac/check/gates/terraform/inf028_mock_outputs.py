"""Outputs that Terragrunt invents for a plan are given to no apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings_of

_MOCKS, _ALLOWED = "mock_outputs", "mock_outputs_allowed_terraform_commands"


class Dependency(NamedTuple):
    """A unit whose outputs another one is given."""

    name: str
    #: Its arguments, by their names.
    given: dict[str, Setting]
    #: The names of the outputs that it invents.
    mocks: tuple[str, ...]
    #: Whether what a file includes may add arguments to it.
    is_merged: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield outputs that are invented for every command."""
    for one in _dependencies(files):
        off = [one.given[key].value for key in ("skip_outputs", "enabled") if key in one.given]
        if one.mocks and _ALLOWED not in one.given and not off and not one.is_merged:
            what = f"dependency {one.name} has mock_outputs for every command, so an apply before"
            said = f"{what} it has outputs is given the mocks, {one.mocks[0]} among them"
            advice = f'write {_ALLOWED} = ["init", "validate", "plan"]'
            yield Finding(one.given[_MOCKS].where, f"{said}; {advice}", warning=True)


@once
def _dependencies(files: Files) -> Iterator[Dependency]:
    for artifact in files.artifacts:
        text = artifact.content
        if artifact.path.endswith(".hcl") and isinstance(text, str) and _MOCKS in text:
            yield from _of_file(settings_of(artifact.path, text))


def _of_file(found: tuple[Setting, ...]) -> Iterator[Dependency]:
    given: dict[str, dict[str, Setting]] = {}
    mocks: dict[str, list[str]] = {}
    for one in found:
        if one.path[:1] == ("dependency",) and len(one.path) == 3:
            given.setdefault(one.path[1], {})[one.name] = one
        elif one.path[:1] == ("dependency",) and one.path[2:3] == (_MOCKS,) and len(one.path) == 4:
            mocks.setdefault(one.path[1], []).append(one.name)
    is_merged = any(one.path[:1] == ("include",) and "merge" in one.name for one in found)
    for name, arguments in given.items():
        if _MOCKS in arguments:
            yield Dependency(name, arguments, tuple(mocks.get(name, ())), is_merged)


GATE = Gate(
    id="INF028",
    title="Outputs that Terragrunt invents for a plan are given to no apply",
    phase="infrastructure",
    source="https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/#dependency: where a "
    "dependency has no outputs yet, its mocks are used for each command that is not left out by "
    f"{_ALLOWED}",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("dependencies with mocks", _dependencies),
    targets=(),
    reads="blocks `dependency` of Terragrunt in *.hcl. What is merged by an include with a "
    "merge_strategy is not judged. Judges files without a plan only.",
)
