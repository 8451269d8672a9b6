"""Where objects name others, and whether those are kept here: assets/object_rules.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import kind_of, metadata, name_of
from tarmac.gates.views.objects.object_rules import object_rules
from tarmac.gates.views.objects.pods import TEMPLATES
from tarmac.gates.views.objects.stored_data import ConfigMap, ExternalSecret, secret_keys
from tarmac.gates.views.reading import Path, at_each, dig, fields, items, text

#: Keys of an object that is filled at runtime: any key may be in it.
ANY = frozenset({"*"})


class Naming(NamedTuple):
    """A place of an object that names another one."""

    artifact: Artifact
    path: Path
    kind: str
    name: str
    #: Empty: that of whatever applies it.
    namespace: str
    #: The key of it that is meant; empty: all of it.
    key: str


class StoredObject(NamedTuple):
    """An object that is in the files, or is made of one of them."""

    kind: str
    name: str
    #: Empty: that of whatever applies it.
    namespace: str
    keys: frozenset[str]
    #: The file that it is in, or that it is made of.
    artifact: Artifact


def namings(files: Files, *, of_pods: bool) -> Iterator[Naming]:
    """Yield what objects name; what pods name only on request."""
    for artifact in files.objects():
        kind = kind_of(artifact)
        own = dict(object_rules()["references"].get(kind, {}))
        if of_pods and kind in TEMPLATES:
            below = ".".join((*TEMPLATES[kind], "spec"))
            own |= {f"{below}.{at}": to for at, to in object_rules()["references"]["pods"].items()}
        for at, named in own.items():
            for path, value in at_each(artifact.data, at.split(".")):
                yield from _naming(artifact, path, value, named)


def _naming(artifact: Artifact, path: Path, value: Any, named: str) -> Iterator[Naming]:
    holder = value if named == "ref" else dig(artifact.data, *path[:-1])
    name = text(value, "name") if named == "ref" else value
    if not isinstance(name, str) or not isinstance(holder, Mapping) or holder.get("optional"):
        return
    kind = str(holder.get("kind") or named) if named in ("ref", "Service", "Gateway") else named
    space = str(holder.get("namespace") or metadata(artifact).namespace or "")
    name, _, rest = name.partition(".") if path[-1] == "host" else (name, "", "")
    if rest and ".svc" not in f".{rest}":
        return  # a host that is no Service
    if rest:
        space = rest.partition(".")[0]
    if "{{" not in name and "$" not in name and "*" not in name:
        yield Naming(artifact, path, kind, name, space, str(holder.get("key") or ""))


def kept(files: Files) -> Iterator[StoredObject]:
    """Yield all objects, and those that controllers and generators make of others."""
    for artifact in files.objects():
        kind, space, name = kind_of(artifact), metadata(artifact).namespace or "", name_of(artifact)
        keys = ANY
        if kind == "ConfigMap":
            keys = ConfigMap(artifact).keys
        elif kind == "Secret":
            keys = secret_keys(artifact)
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
        for generated, made in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            for one in items(artifact.data, generated) if kind == "Kustomization" else ():
                yield StoredObject(made, str(text(one, "name")), "", ANY, artifact)


@cache
def builtin(kind: str) -> frozenset[str]:
    """List the objects of a kind that every cluster has."""
    return frozenset(object_rules()["builtin"].get(kind, ()))
