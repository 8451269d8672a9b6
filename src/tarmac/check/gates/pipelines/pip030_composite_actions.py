"""Steps of a composite action are of a form that GitHub takes there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, items, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_FILES = ("action.yml", "action.yaml")
_SECRET = re.compile(r"\$\{\{[^}]*(?<![\w.\"'-])secrets\.(\w+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps without a shell, and secrets, which an action has not."""
    for action in _composite(files):
        for number, step in enumerate(items(action.data, "runs", "steps")):
            if isinstance(step, Mapping):
                for path, what in _faults(step):
                    yield Finding(action.at("runs", "steps", number, *path), what)


def _faults(step: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    if "run" in step and "shell" not in step and "<<" not in step:
        what = "a step of a composite action has `run` and no `shell`, which is required there"
        yield ("run",), f"{what}: GitHub refuses the action; write `shell: bash`"
    for path, text in places(step):
        if found := _SECRET.search(text):
            what = f"a composite action reads secrets.{found[1]}, and an action has no secrets"
            yield path, f"{what}: GitHub refuses it; hand it over as an input"
            return


@once
def _composite(files: Files) -> Iterator[Artifact]:
    for artifact in files.artifacts:
        is_named = artifact.path.rpartition("/")[2] in _FILES
        if is_named and dig(artifact.data, "runs", "using") == "composite":
            yield artifact


GATE = Gate(
    id="PIP030",
    title="Steps of a composite action are of a form that GitHub takes there",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax"
    "#runs-for-composite-actions: `shell` is required where `run` is",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("composite actions", _composite),
    targets=("repository",),
    reads="`runs` of files that are called action.yml: `run` beside `shell`, and `secrets` in the "
    "texts of steps.",
)
