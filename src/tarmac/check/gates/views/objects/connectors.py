"""Clusters of Kafka Connect, and the connectors that are objects beside them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import has_marks
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import group_of, metadata, name_of, space_of
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.once import once

#: By this annotation the operator takes connectors that are objects, and no other ones.
_TAKES = "strimzi.io/use-connector-resources"
_CLUSTER = "strimzi.io/cluster"


def connect_faults(files: Files, artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield a cluster of Connect that takes no objects, where there are some for it."""
    noted = metadata(artifact).annotations
    said = str(noted.get(_TAKES, ""))
    if said.lower() == "true" or has_marks(said):
        return
    there = next(iter(_connectors(files))).get(name_of(artifact), [])
    names = [name_of(one) for one in there if _is_beside(one, artifact)]
    if names:
        others = f" and {len(names) - 1} more" if names[1:] else ""
        at: Path = ("metadata", "annotations", _TAKES) if said else ("kind",)
        what = f"takes no KafkaConnector ({_TAKES} is {said or 'not there'}), so"
        yield at, f'{what} nothing starts {names[0]}{others}; annotate it with {_TAKES}: "true"'


@once
def _connectors(files: Files) -> Iterator[dict[str, list[Artifact]]]:
    """Yield all connectors by the cluster that they are for."""
    found: dict[str, list[Artifact]] = {}
    for one in files.objects("KafkaConnector"):
        found.setdefault(str(metadata(one).labels.get(_CLUSTER)), []).append(one)
    yield found


def _is_beside(one: Artifact, artifact: Artifact) -> bool:
    spaces = (space_of(one), space_of(artifact))
    if group_of(one) != group_of(artifact):
        return False
    same = spaces[0] == spaces[1] if all(spaces) else place_of(one) == place_of(artifact)
    return same and not are_apart(one, artifact)
