"""Where objects name others: the places of assets/object_rules.yaml, of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, PlaceTree, at_places, dig, place_tree, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, metadata
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.shapes.templates import spec_places

#: Kinds beside whose name their place may say another one.
_SAYING = ("Service", "Gateway")
_OF_OTHERS = frozenset({"cert-manager.io/issuer-group", "cert-manager.io/issuer-kind"})


class NamedObject(NamedTuple):
    """A place of an object that names another one."""

    artifact: Artifact
    path: Path
    kind: str
    name: str
    #: Empty: that of whatever applies it.
    namespace: str
    #: The key of it that is meant; empty: all of it.
    key: str


def namings(files: Files, *, of_pods: bool) -> Iterator[NamedObject]:
    """Yield what objects name; what pods name only on request."""
    yield from _of_objects(files)
    if of_pods:
        yield from _of_pods(files)


@once
def _of_objects(files: Files) -> Iterator[NamedObject]:
    for artifact in files.objects():
        yield from _named(artifact, _places(kind_of(artifact)))
        noted = metadata(artifact).annotations
        for key, kind in object_rules()["annotations"].get(kind_of(artifact), {}).items():
            # By a group or kind of its own it is an issuer of others.
            if isinstance(name := noted.get(key), str) and not _OF_OTHERS & noted.keys():
                path = ("metadata", "annotations", key)
                yield from _naming(artifact, path, name, kind)


@once
def _of_pods(files: Files) -> Iterator[NamedObject]:
    for artifact in files.objects():
        if specs := spec_places(artifact.data):
            yield from _named(artifact, _pod_places(specs))


def _named(artifact: Artifact, found: PlaceTree) -> Iterator[NamedObject]:
    for path, value, named in at_places(artifact.data, found):
        yield from _naming(artifact, path, value, named)


@cache
def _places(kind: str) -> PlaceTree:
    return place_tree(object_rules()["references"].get(kind, {}))


@cache
def _pod_places(specs: tuple[str, ...]) -> PlaceTree:
    own = object_rules()["references"]["pods"].items()
    return place_tree({f"{spec}.{at}": named for spec in specs for at, named in own})


def _naming(artifact: Artifact, path: Path, value: Any, named: str) -> Iterator[NamedObject]:
    is_whole, default = named.startswith("ref"), named.removeprefix("ref").removeprefix(":")
    holder = value if is_whole else dig(artifact.data, *path[:-1])
    name = text(value, "name") if is_whole else value
    if not isinstance(name, str):
        return
    # An item of a list of names stands alone.
    own = holder if isinstance(holder, Mapping) else {}
    if own.get("optional") or (is_whole and not own):
        return
    kind = str(own.get("kind") or default) if is_whole or named in _SAYING else named
    kind = f"Cluster{kind}" if own.get("clusterScope") is True else kind
    space = str(own.get("namespace") or metadata(artifact).namespace or "")
    name, _, rest = name.partition(".") if path[-1] == "host" else (name, "", "")
    if rest and ".svc" not in f".{rest}":
        return  # a host that is not a Service
    if rest:
        space = rest.partition(".")[0]
    if "/" in name:
        space, _, name = name.rpartition("/")
    if kind and "{{" not in name and "$" not in name and "*" not in name:
        key = str(own.get("key") or "")
        if path[-2:-1] == ("valuesFrom",):  # Flux takes this key where none is named
            key = str(own.get("valuesKey") or "values.yaml")
        yield NamedObject(artifact, path, kind, name, space, key)
