"""A field that an Application leaves to others is not written again by its next sync."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import RESPECT, App
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.argo.sources import IgnoredDifference
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: GIT004 judges numbers of replicas.
_ELSEWHERE = ("spec", "replicas")
_STEP = re.compile(r"\.?([\w-]+)|\[\]|\[\"?([^\]\"]+)\"?\]")


def check(files: Files) -> Iterator[Finding]:
    """Yield values in git of fields that another program sets, which each sync writes again."""
    for app, ignored, artifact in _left(files):
        for path in map(str, ignored.paths):
            steps = _steps(path)
            place = _found(artifact.data, steps) if steps and steps != _ELSEWHERE else None
            if place is not None:
                what = (
                    f"{title(artifact)} has a value at {path}, which {app.title} leaves to others"
                )
                said = f"{what} and yet writes at each sync; remove it, or add {RESPECT}"
                yield Finding(artifact.at(*place), f"{said} to its syncOptions", warning=True)


@once
def _left(files: Files) -> Iterator[tuple[App, IgnoredDifference, Artifact]]:
    """Yield what an Application that syncs by itself ignores, with each object that it sends."""
    for folder in followed(files):
        app = folder.app
        options = items(app.data, "spec", "syncPolicy", "syncOptions")
        for artifact in folder.sent if app.automated and RESPECT not in options else ():
            for ignored in app.ignored if artifact.is_object else ():
                is_meant = ignored.kind in (kind_of(artifact), "*")
                if is_meant and ignored.name in (None, "", name_of(artifact)):
                    yield app, ignored, artifact


def _steps(path: str) -> tuple[str, ...]:
    """Split a JSON pointer, or a path of jq without conditions; `*` stands for each item."""
    if path.startswith("/"):
        return tuple(one.replace("~1", "/").replace("~0", "~") for one in path[1:].split("/"))
    found = list(_STEP.finditer(path))
    if "".join(one[0] for one in found) != path:
        return ()
    return tuple(one[1] or one[2] or "*" for one in found)


def _found(data: Any, steps: tuple[str, ...]) -> tuple[str | int, ...] | None:
    """Find the first value at a path."""
    if not steps:
        return ()
    first, *rest = steps
    numbers = range(len(data)) if isinstance(data, list) else ()
    keys: list[str | int] = (
        [n for n in numbers if first in ("*", str(n))]
        if isinstance(data, list)
        else [first]
        if isinstance(data, dict) and first in data
        else []
    )
    for key in keys:
        below = _found(dig(data, key), tuple(rest))
        if below is not None:
            return (key, *below)
    return None


GATE = Gate(
    id="GIT013",
    title="What an Application leaves to others is not in its files",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options: ignoreDifferences "
    "is about the comparison; a sync writes what git has unless RespectIgnoreDifferences is set",
    check=check,
    of_files=check,
    scope=counted_in_files("ignored differences of objects", _left),
    targets=("cluster",),
    reads="ignoreDifferences by JSON pointers and plain paths of jq, beside the objects in the "
    "folders that Applications which sync by themselves follow.",
)
