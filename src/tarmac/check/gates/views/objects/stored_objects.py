"""Objects that others name: those of the files, and those that controllers make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import Neighbours, place_of
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, metadata, name_of
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.gates.views.objects.stored_data import ConfigMap, ExternalSecret, keys_of
from tarmac.check.gates.views.overlays.kustomizations import is_kustomization

#: Keys of an object that is filled at runtime: any key may be in it.
ANY = frozenset({"*"})
#: So many kinds are remembered.
_KINDS = 512


class StoredObject(NamedTuple):
    """An object that is in the files, or is made of one of them."""

    kind: str
    name: str
    #: Empty: that of whatever applies it.
    namespace: str
    keys: frozenset[str]
    #: The file that it is in, or that it is made of.
    artifact: Artifact


class StoredObjects:
    """Stored objects by what names them."""

    def __init__(self, objects: Iterable[StoredObject]) -> None:
        by_kind: dict[str, list[StoredObject]] = {}
        self._by_name: dict[tuple[str, str], list[StoredObject]] = {}
        for one in objects:
            by_kind.setdefault(one.kind, []).append(one)
            self._by_name.setdefault((one.kind, one.name), []).append(one)
        self._of_kind = {
            kind: Neighbours(found, lambda one: one.artifact) for kind, found in by_kind.items()
        }
        self._near: dict[tuple[str, ...], list[str]] = {}

    def named(self, kind: str, name: str, namespace: str) -> list[StoredObject]:
        """List the objects that a reference may mean; an empty namespace is any."""
        found = self._by_name.get((kind, name), ())
        return [one for one in found if not namespace or one.namespace in ("", namespace)]

    def near(self, kind: str, namespace: str, artifact: Artifact) -> list[str]:
        """List the names of a kind in the namespace that an object names, or is in itself."""
        of_kind = self._of_kind.get(kind)
        if of_kind is None:
            return []
        key = (kind, namespace, *place_of(artifact))
        if key not in self._near:
            found = {one.name for one in of_kind.things if namespace and one.namespace == namespace}
            near = of_kind.of(artifact)
            found |= {one.name for one in near if not (namespace and one.namespace)}
            self._near[key] = sorted(found)
        return self._near[key]


def kept(files: Files) -> Iterator[StoredObject]:
    """Yield all objects, and those that controllers and generators make of others."""
    for artifact in files.objects():
        kind, space, name = kind_of(artifact), metadata(artifact).namespace or "", name_of(artifact)
        keys = ANY
        # One without any data is filled by a controller: with a token, with trusted certificates.
        if kind == "ConfigMap":
            keys = ConfigMap(artifact).keys or ANY
        elif kind == "Secret":
            keys = keys_of(artifact) or ANY
        if name and not is_kustomization(artifact):
            yield StoredObject(kind, name, space, keys, artifact)
        if kind == "ExternalSecret":
            own = ExternalSecret(artifact)
            yield StoredObject(
                "Secret", own.target, space, ANY if own.keys is None else own.keys, artifact
            )
        elif kind == "SealedSecret":
            yield StoredObject("Secret", name, space, ANY, artifact)
        elif kind == "Certificate":
            yield StoredObject(
                "Secret", str(text(artifact.data, "spec", "secretName")), space, ANY, artifact
            )
        elif kind == "Canary":
            target = str(fields(artifact.data, "spec", "targetRef").get("name"))
            for end in ("", "-canary", "-primary"):
                yield StoredObject("Service", f"{target}{end}", space, ANY, artifact)
        yield from _made_of(artifact)
        for generated, made in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            for one in items(artifact.data, generated) if is_kustomization(artifact) else ():
                yield StoredObject(made, str(text(one, "name")), "", ANY, artifact)


def _made_of(artifact: Artifact) -> Iterator[StoredObject]:
    """Yield what a controller makes for an object, by names of its own."""
    space, name = metadata(artifact).namespace or "", name_of(artifact)
    for kind, ends in _made(group_of(artifact), kind_of(artifact)):
        for end in ends:
            path = end.split(".")[1:] if end.startswith(".") else ()
            own = text(artifact.data, *path) if path else end.replace("*", name)
            yield StoredObject(kind, str(own), space, ANY, artifact)


@lru_cache(_KINDS)
def _made(group: str, kind: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """List the kinds and names of what a controller makes for an object; `*` is its name."""
    made = object_rules()["made"]
    own = f"{group}/{kind}"
    return tuple((one, tuple(by[own])) for one, by in made.items() if own in by)
