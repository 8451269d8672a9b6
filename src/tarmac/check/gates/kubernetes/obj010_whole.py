"""Objects have their required parts: apiVersion, kind, and parts without which they do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, PlaceTree, at_each, at_places, place_tree
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, title
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.gates.views.objects.whole import is_removed
from tarmac.check.gates.views.overlays.parts import is_grown, is_part
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.templates import spec_places

#: Groups with kinds of the same names as others have, and other parts.
OTHERS = (".k8s.aws", ".linkerd.io", "app.k8s.io")
#: What tells an object without its kind from a file of another program, which may have a name and
#: an apiVersion, too, as that of OpenShift's installer has.
_PARTS = frozenset(("spec", "data", "stringData", "rules", "roleRef", "webhooks", "provisioner"))


def check(files: Files) -> Iterator[Finding]:
    """Yield what an API server would not know as an object, and objects that lack a part."""
    for artifact, key in half_objects(files):
        what = f"has no {key}, so the API server rejects it; write it"
        yield Finding(artifact.at(), f"{title(artifact)} {what}")
    for artifact in files.objects():
        # An API server has all else of a claim that a program made.
        for path, part, why in missing(artifact) if not is_grown(artifact) else ():
            what = f"{title(artifact)} has no {part}: {why}; write it"
            is_open = is_templated(artifact) or is_part(artifact)
            yield Finding(artifact.at(*path), what, warning=is_open)


def _judged(files: Files) -> Iterator[Artifact]:
    yield from files.objects()
    yield from (artifact for artifact, _ in half_objects(files))


def half_objects(files: Files) -> Iterator[tuple[Artifact, str]]:
    """Yield files that are objects but for their apiVersion or kind, and which is missing."""
    for artifact in files.artifacts:
        data = artifact.data
        if not isinstance(data.get("metadata"), Mapping) or "name" not in data["metadata"]:
            continue
        if "kind" in data and "apiVersion" not in data:
            yield artifact, "apiVersion"
        elif "apiVersion" in data and "kind" not in data and _is_object(data):
            yield artifact, "kind"


def _is_object(data: Mapping[str, Any]) -> bool:
    return not data.keys() - {"apiVersion", "metadata"} or bool(_PARTS & data.keys())


def missing(artifact: Artifact) -> Iterator[tuple[Path, str, str]]:
    """Yield where an object lacks a part, the part, and what happens without it."""
    if group_of(artifact).endswith(OTHERS) or is_removed(artifact):
        return
    specs = spec_places(artifact.data)
    for path, holder, wanted in at_places(artifact.data, _places(kind_of(artifact), specs)):
        for above, last, why in wanted:
            if not any(_is_there(holder, choice) for choice in last.split("|")):
                named = " or ".join(one for one in last.split("|") if not re.search("[=/]", one))
                yield path, f"{above}.{named}".removeprefix("."), why


@cache
def _places(kind: str, below: tuple[str, ...]) -> PlaceTree:
    """List the parts that a kind needs, by what has them; those of pods are below their `spec`."""
    needed = object_rules()["needed"]
    of_pods = {f"{spec}.{at}": why for spec in below for at, why in needed["pods"].items()}
    found: dict[str, list[tuple[str, str, str]]] = {}
    for place, why in (of_pods | needed.get(kind, {})).items():
        above, _, last = place.rpartition(".")
        found.setdefault(above, []).append((above, last, why))
    return place_tree(found)


def _is_there(holder: Any, choice: str) -> bool:
    """Tell whether a part is there: `data/-/ref`, or by its value: `kind=A`, `kind!=A`."""
    key, _, wanted = choice.partition("=")
    values = [value for _, value in at_each(holder, key.split("/"))]
    if wanted and key.endswith("!"):
        values = [value for _, value in at_each(holder, key.removesuffix("!").split("/"))]
        return any(value != wanted for value in values)
    if wanted:
        return wanted in values
    return any(value not in (None, [], {}, "") for value in values)


GATE = Gate(
    id="OBJ010",
    title="Objects have their required parts",
    phase="kubernetes",
    source="a file without apiVersion or kind is skipped or refused as a whole; an Ingress without "
    "rules and a route without backends are taken, and answer nothing",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("objects", _judged),
    reads="apiVersion and kind of what has metadata, and the parts that assets/object_rules.yaml "
    "lists for each kind.",
)
