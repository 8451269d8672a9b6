"""Parts of objects that a schema does not require: assets/object_rules.yaml, `needed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import group_of, kind_of
from tarmac.gates.views.objects.object_rules import object_rules
from tarmac.gates.views.objects.pods import TEMPLATES
from tarmac.gates.views.reading import Path, at_each

#: Groups with kinds of the same names as others have, and other parts.
OTHERS = (".k8s.aws", ".linkerd.io")


def half_objects(files: Files) -> Iterator[tuple[Artifact, str]]:
    """Yield files that are objects but for their apiVersion or kind, and which is missing."""
    for artifact in files.artifacts:
        data = artifact.data
        if not isinstance(data.get("metadata"), Mapping) or "name" not in data["metadata"]:
            continue
        if "kind" in data and "apiVersion" not in data:
            yield artifact, "apiVersion"
        elif "apiVersion" in data and "kind" not in data:
            yield artifact, "kind"


def missing(artifact: Artifact) -> Iterator[tuple[Path, str, str]]:
    """Yield where an object lacks a part, the part, and what happens without it."""
    if group_of(artifact).endswith(OTHERS):
        return
    for place, why in _places(kind_of(artifact)).items():
        *above, last = place.split(".")
        for path, holder in at_each(artifact.data, above):
            if not any(_is_there(holder, choice) for choice in last.split("|")):
                yield path, ".".join([*above, last.replace("|", " or ")]), why


@cache
def _places(kind: str) -> dict[str, str]:
    """List the parts that a kind needs; those of pods are below their template."""
    needed = object_rules()["needed"]
    below = ".".join((*TEMPLATES[kind], "spec")) if kind in TEMPLATES else ""
    of_pods = {f"{below}.{at}": why for at, why in needed["pods"].items()} if below else {}
    found: dict[str, str] = of_pods | needed.get(kind, {})
    return found


def _is_there(holder: Any, key: str) -> bool:
    return isinstance(holder, Mapping) and holder.get(key) not in (None, [], {}, "")
