"""Where the parts of a built object are written: what each layer of a kustomization sets, in turn.

Objects are built by kustomize itself; this follows its layers for places alone. What it does not
know leaves the place of the layer below, and never changes what is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tarmac.base.artifact import Artifact, Format
from tarmac.base.errors import BadInput
from tarmac.base.foreign.reading import dig, fields
from tarmac.check.verify.built.layers import Layer
from tarmac.check.verify.built.paths import Key, named, steps
from tarmac.check.verify.built.sources import Document, Sources

#: Lists whose items a patch merges by name; others it replaces as a whole.
MERGED = frozenset((
    "containers", "initContainers", "ephemeralContainers", "volumes", "volumeMounts", "env",
    "ports", "imagePullSecrets", "hostAliases", "topologySpreadConstraints", "volumeDevices",
))  # fmt: skip
#: What has parts of many kinds: a patch of one is no more about another than the base is.
_LARGE = frozenset(("metadata", "spec", "template", "jobTemplate"))


@dataclass
class ObjectOrigin:
    """An object of a resource file, and where its parts were set last."""

    kind: str
    #: All names that it has had: a patch may use any.
    names: list[str]
    namespace: str
    data: Any
    #: The file that it is in, as findings name it.
    file: str
    is_generated: bool = False
    #: Where a patch deletes it as a whole; empty: none does.
    deleted_at: str = ""
    places: dict[Key, str] = field(default_factory=dict)
    values: dict[Key, Any] = field(default_factory=dict)
    #: Parts of which something was removed.
    shortened: set[Key] = field(default_factory=set)

    def put(self, key: Key, value: Any, place: str) -> None:
        """Note that a leaf was set."""
        self.places[key] = place
        self.values[key] = value

    def touch(self, key: Key, place: str) -> bool:
        """Note that something in a part was set; tell whether it is small: that is its place then.

        Where something was removed of it, that stays its place: it is asked for what is missing.
        """
        is_small = bool(key) and key[-1] not in _LARGE and not str(key[-1]).startswith("[")
        if is_small and key not in self.shortened:
            self.places[key] = place
        else:
            self.places.setdefault(key, place)
        return is_small

    def drop(self, key: Key, place: str, *, whole: bool = False) -> None:
        """Note that a part was removed, or (whole) replaced: what it was in has this place now."""
        for known in [known for known in self.places if known[: len(key)] == key]:
            del self.places[known]
            self.values.pop(known, None)
        self.places[key if whole else key[:-1]] = place
        if not whole:
            self.shortened.add(key[:-1])


def read(document: Document) -> ObjectOrigin | None:
    """Begin with an object of a resource file; None where it is none."""
    data = document.data
    if not isinstance(data, Mapping) or not data.get("kind"):
        return None
    metadata = fields(data, "metadata")
    origin = ObjectOrigin(
        kind=str(data["kind"]),
        names=[str(metadata.get("name") or "")],
        namespace=str(metadata.get("namespace") or ""),
        data=data,
        file=document.file,
    )
    for index, key, value in steps(data):
        origin.put(key, value, document.at(*index))
    return origin


def merge(origin: ObjectOrigin, document: Document) -> None:
    """Follow a strategic merge patch: what it sets, removes and replaces."""
    _merge(origin, document, document.data, (), ())


def _merge(origin: ObjectOrigin, document: Document, data: Any, index: Key, key: Key) -> None:
    place = document.at(*index)
    if isinstance(data, Mapping):
        if data.get("$patch") == "delete":
            origin.drop(key, place)
            return
        if data.get("$patch") == "replace":
            origin.drop(key, place, whole=True)
        origin.touch(key, place)
        for name, value in data.items():
            if name in ("$patch", "$retainKeys") or (not key and name in ("apiVersion", "kind")):
                continue
            if key == ("metadata",) and name in ("name", "namespace"):
                continue
            if value is None:
                origin.drop((*key, name), document.at(*index, name))
            else:
                _merge(origin, document, value, (*index, name), (*key, name))
    elif isinstance(data, list):
        merged = bool(key) and key[-1] in MERGED and all(isinstance(e, Mapping) for e in data)
        if not merged:
            origin.drop(key, place, whole=True)
        for number, (step, item) in enumerate(named(data)):
            _merge(origin, document, item, (*index, number), (*key, step))
    else:
        origin.put(key, data, place)


def matching(
    origins: Iterable[ObjectOrigin], target: Mapping[str, Any], *, by_pattern: bool = True
) -> Iterator[ObjectOrigin]:
    """Yield the objects that a patch is of."""
    for origin in origins:
        kind, name = target.get("kind"), target.get("name")
        if kind and not _is(str(kind), [origin.kind], by_pattern=by_pattern):
            continue
        if name and not _is(str(name), origin.names, by_pattern=by_pattern):
            continue
        if selector := target.get("labelSelector"):
            labels = fields(origin.data, "metadata", "labels")
            pairs = [one.split("=", 1) for one in str(selector).split(",")]
            if any(len(pair) == 2 and labels.get(pair[0]) != pair[1] for pair in pairs):
                continue
        yield origin


def _is(pattern: str, names: Iterable[str], *, by_pattern: bool) -> bool:
    try:
        return any(re.fullmatch(pattern, name) if by_pattern else pattern == name for name in names)
    except re.error:
        return False


def placed(
    objects: Iterable[Mapping[str, Any]], origins: list[ObjectOrigin], layer: Layer
) -> Iterator[Artifact]:
    """Give each built object the places of its parts, and the file that it began in."""
    file = layer.document.file
    for data in objects:
        if (origin := _origin(data, origins)) is None:
            yield Artifact(file, data, format=Format.OBJECT, built_by=file)
            continue
        places = {
            index: origin.places[key] for index, key, _ in steps(data) if key in origin.places
        }
        yield Artifact(origin.file, data, format=Format.OBJECT, built_by=file, places={**places})


def _origin(data: Mapping[str, Any], origins: list[ObjectOrigin]) -> ObjectOrigin | None:
    kind, name = str(data.get("kind")), str(dig(data, "metadata", "name") or "")
    space = str(dig(data, "metadata", "namespace") or "")
    found = [
        origin
        for origin in origins
        if origin.kind == kind
        and not origin.deleted_at
        and (origin.names[-1] == name or (origin.is_generated and _hashed(name, origin.names[-1])))
    ]
    # Two of one name are in two namespaces, or of two versions; one alone is meant, wherever it
    # was put.
    version = data.get("apiVersion")
    return min(
        found,
        key=lambda one: (one.namespace != space, dig(one.data, "apiVersion") != version),
        default=None,
    )


def _hashed(name: str, start: str) -> bool:
    return re.fullmatch(re.escape(start) + r"-[a-z0-9]{10}", name) is not None


def begin(path: Path, sources: Sources) -> list[ObjectOrigin]:
    """Begin with the objects of a resource file; none where it cannot be read."""
    try:
        return [deepcopy(one) for one in map(read, sources.documents(path)) if one is not None]
    except BadInput:  # kustomize says it
        return []
