"""Workflows with the steps of the repository's own actions, behind the steps that run these.

Each part keeps its place: a step of an action is told where the action says it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, string, with_texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.inputs import INPUT, unwrapped

ACTIONS = ("action.yml", "action.yaml")
#: A step or an input of an action, where one of its steps reads it.
_OWN = re.compile(r"(?<![\w.])(steps\.(?=[\w-]+\.)|inputs\.(?=[\w-]))")
#: How many actions may use one another.
_DEEPEST = 5

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class _PlacedStep:
    """A step, and where each part of it is written."""

    data: Any
    places: Mapping[Path, str]


@once
def own_actions(files: Files) -> Iterator[tuple[str, Artifact]]:
    """Yield the files of the repository's own actions, with their paths."""
    for one in files.artifacts:
        if one.path.rpartition("/")[2] in ACTIONS:
            yield one.path, one


def inlined(workflow: Artifact, actions: Mapping[str, Artifact]) -> Artifact:
    """Add the steps of a repository's own actions to a workflow, at each step that runs one.

    Args:
        actions: the files of all actions, by their paths.
    """
    root = workflow.path.partition(".github/")[0]
    jobs = dict(fields(workflow.data, "jobs"))
    changed = set[str]()
    places = dict(workflow.places)
    for name, job in jobs.items() if actions else ():
        if not any(string(step, "uses").startswith("./") for step in items(job, "steps")):
            continue
        changed.add(name)
        found = list(_steps(workflow, ("jobs", name, "steps"), root, actions, ()))
        jobs[name] = {**job, "steps": [one.data for one in found]}
        for number, one in enumerate(found):
            own: Path = ("jobs", name, "steps", number)
            places |= {(*own, *path): place for path, place in one.places.items()}
    if not changed:
        return workflow
    # The numbers of its own steps are others now.
    lines = {
        path: line
        for path, line in workflow.lines.items()
        if len(path) < 4 or path[0] != "jobs" or path[1] not in changed or path[2] != "steps"
    }
    return replace(workflow, content={**workflow.data, "jobs": jobs}, lines=lines, places=places)


def action_of(folder: str, actions: Mapping[str, Artifact]) -> Artifact | None:
    """Find the file of an action in a folder."""
    files = (actions.get(posixpath.normpath(posixpath.join(folder, one))) for one in ACTIONS)
    return next(filter(None, files), None)


def _steps(
    file: Artifact, path: Path, root: str, actions: Mapping[str, Artifact], above: tuple[str, ...]
) -> Iterator[_PlacedStep]:
    """Yield the steps at a path of a file, with those of actions behind the ones that run them."""
    size = len(path)
    places: dict[str | int, dict[Path, str]] = {}
    for at, line in file.lines.items():
        if len(at) > size and at[:size] == path:
            places.setdefault(at[size], {})[at[size + 1 :]] = f"{file.path}:{line}"
    for number, step in enumerate(items(dig(file.data, *path[:-1]), str(path[-1]))):
        yield _PlacedStep(step, places.get(number, {}))
        uses = string(step, "uses")
        action = action_of(posixpath.join(root, uses), actions) if uses.startswith("./") else None
        if action is None or action.path in above or len(above) >= _DEEPEST:
            continue
        for one in _steps(action, ("runs", "steps"), root, actions, (*above, action.path)):
            yield replace(one, data=_given(one.data, step, action, number))


def _given(step: Any, caller: Any, action: Artifact, number: int) -> Any:
    """Return a step of an action as its caller runs it: with its inputs, and when it does."""
    if not isinstance(step, Mapping):
        return step
    told = fields(caller, "with")
    folder = f"{posixpath.basename(posixpath.dirname(action.path))}-{number}"
    known = {
        str(name): str(told.get(name, fields(said).get("default", "")))
        for name, said in fields(action.data, "inputs").items()
    }
    filled = {key: _filled(value, known, folder) for key, value in step.items()}
    if "id" in filled:
        filled["id"] = f"{folder}--{filled['id']}"
    when = [unwrapped(str(one["if"])) for one in (caller, filled) if one.get("if")]
    if when:
        filled["if"] = when[0] if len(when) == 1 else " && ".join(f"({one})" for one in when)
    return filled


def _filled(value: Any, known: Mapping[str, str], folder: str) -> Any:
    """Fill inputs in; what else an action names of its own is nothing of the job."""

    def fill(text: str) -> str:
        given = INPUT.sub(lambda found: known.get(found[1]) or found[0], text)
        return _OWN.sub(lambda found: f"{found[1]}{folder}--", given)

    return with_texts(value, fill)
