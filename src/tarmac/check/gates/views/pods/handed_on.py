"""What steps of Argo Workflows hand on by a volume that each of them has for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import (
    Fields,
    Path,
    fields,
    items,
    mappings,
    numbered,
    string,
    texts,
)
from tarmac.check.gates.views.objects.metadata import kind_of
from tarmac.check.gates.views.pods.tasks import WORKFLOWS

#: Words of `depends`, which names other tasks by their ends.
_TASK = re.compile(r"[\w-]+")
#: So many steps before one are looked at.
_MOST = 20
#: What a step begins to read in.
_ENTERED = re.compile(r"(?:^|[;&|\s])(?:cd|cat|ls|pushd)[ \t]+[\"']?(/[\w./-]+)")


class Step(NamedTuple):
    """A template that runs in a pod of its own."""

    name: str
    text: str
    #: Where it begins to read.
    entered: tuple[str, ...]
    mounts: Mapping[str, str]
    #: Paths that are filled before it starts.
    given: tuple[str, ...]


def emptied_faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield volumes by which a step is to find what an earlier one made, and finds nothing."""
    path = WORKFLOWS[kind_of(artifact)]
    spec = fields(artifact.data, *path)
    volumes = numbered(spec, "volumes")
    empty = {string(one, "name"): number for number, one in volumes if "emptyDir" in one}
    if not empty:
        return
    steps = {one.name: one for one in _steps(spec)}
    told = set[str]()
    for before, after in _pairs(spec):
        first, second = steps.get(before), steps.get(after)
        if first is None or second is None or first is second:
            continue
        for name in sorted(first.mounts.keys() & second.mounts.keys() & empty.keys() - told):
            found = _left(first, second, name)
            if found:
                told.add(name)
                what = f"hands {found} from the step {before} to {after} by an emptyDir, and each"
                why = "step is a pod with one of its own: it is empty; write volumeClaimTemplates"
                yield (*path, "volumes", empty[name], "emptyDir"), f"{what} {why}, or artifacts"


def _left(first: Step, second: Step, name: str) -> str:
    """Return a path of a volume that a step reads, and the one before names."""
    mount = first.mounts[name].rstrip("/")
    if second.mounts[name].rstrip("/") != mount:
        return ""
    for place in second.entered:
        is_within = place.startswith(f"{mount}/") and place.rstrip("/") != mount
        is_given = any(f"{place}/".startswith(f"{own.rstrip('/')}/") for own in second.given)
        if is_within and not is_given and re.search(rf"{re.escape(place)}(?![\w-])", first.text):
            return place
    return ""


def _steps(spec: Fields) -> Iterator[Step]:
    for one in mappings(items(spec, "templates")):
        run = fields(one, "container") or fields(one, "script")
        inputs = mappings(items(one, "inputs", "artifacts"))
        if run:
            words = (*texts(run.get("command")), *texts(run.get("args")), string(run, "source"))
            text = " ".join(words)
            mounts = {
                string(own, "name"): string(own, "mountPath")
                for own in mappings(items(run, "volumeMounts"))
                if not string(own, "subPath")
            }
            own = {string(volume, "name") for volume in mappings(items(one, "volumes"))}
            entered = (string(run, "workingDir"), *_ENTERED.findall(text))
            yield Step(
                name=string(one, "name"),
                text=f"{text} {string(run, 'workingDir')}",
                entered=tuple(place for place in entered if place),
                mounts={name: at for name, at in mounts.items() if name not in own and at},
                given=tuple(string(own, "path") for own in inputs if string(own, "path")),
            )


def _pairs(spec: Fields) -> Iterator[tuple[str, str]]:
    """Yield the templates of what runs after another: in the next group, or by a dependency."""
    for one in mappings(items(spec, "templates")):
        earlier: list[str] = []
        for group in items(one, "steps"):
            now = [string(step, "template") for step in mappings(items({"own": group}, "own"))]
            yield from ((before, after) for before in dict.fromkeys(earlier) for after in now)
            earlier = [*dict.fromkeys([*earlier, *now])][-_MOST:]
        tasks = {string(task, "name"): task for task in mappings(items(one, "dag", "tasks"))}
        for task in tasks.values():
            asked = {*texts(task.get("dependencies")), *_TASK.findall(string(task, "depends"))}
            for name in sorted(asked & tasks.keys()):
                yield string(tasks[name], "template"), string(task, "template")
