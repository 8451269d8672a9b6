"""What an object names is there: targets of autoscalers, backends of routes, roles of bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean, only_near
from tarmac.base.foreign.reading import Path, at_each, dig, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.indexes import MOST_COMPARED
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, title
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.gates.views.objects.stored_objects import ANY, StoredObject, StoredObjects, kept
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.templates import spec_places

#: Kinds beside whose name their place may say another one.
_SAYING = ("Service", "Gateway")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references to something missing; those of pods are ENV003's and SEC004's."""
    yield from _missing(subject, namings(subject, of_pods=False))


def of_files(files: Files) -> Iterator[Finding]:
    """Yield references to something that does not exist, where its kind is kept in these files."""
    yield from _missing(files, namings(files, of_pods=True))


def _missing(files: Files, found: Iterator[Naming]) -> Iterator[Finding]:
    there = StoredObjects(kept(files))
    for naming in found:
        if naming.name in builtin(naming.kind) or naming.name.startswith("system:"):
            continue
        named = there.named(naming.kind, naming.name, naming.namespace)
        what = f"{title(naming.artifact)} names {naming.kind} {naming.name}"
        where = naming.artifact.at(*naming.path)
        if not named:
            names = there.near(naming.kind, naming.namespace, naming.artifact)
            if names and not _is_in_script(files, naming):
                likely = only_near(naming.name, names[:MOST_COMPARED])
                choice = (
                    f"did you mean '{likely}'?" if likely else f"there are: {', '.join(names[:12])}"
                )
                yield Finding(where, f"{what}, which does not exist; {choice}")
        elif naming.key and not any(_has(one, naming.key) for one in named):
            keys = sorted({key for one in named for key in one.keys})
            choice = did_you_mean(naming.key, keys) if keys else "add it"
            yield Finding(where, f"{what}, which has no key {naming.key}; {choice}")


def _is_in_script(files: Files, naming: Naming) -> bool:
    """Tell whether a script of these files names it: it makes it, or waits for it."""
    return naming.kind in ("Secret", "ConfigMap") and any(
        naming.name in artifact.content
        for artifact in files.artifacts
        if isinstance(artifact.content, str) and artifact.path.endswith(".sh")
    )


def _has(one: StoredObject, key: str) -> bool:
    return one.keys == ANY or key in one.keys


def _planned(subject: Subject) -> Iterator[Naming]:
    return namings(subject, of_pods=False)


def _all(files: Files) -> Iterator[Naming]:
    return namings(files, of_pods=True)


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


def namings(files: Files, *, of_pods: bool) -> Iterator[Naming]:
    """Yield what objects name; what pods name only on request."""
    for artifact in files.objects():
        kind = kind_of(artifact)
        own = dict(object_rules()["references"].get(kind, {}))
        for below in spec_places(artifact.data) if of_pods else ():
            own |= {f"{below}.{at}": to for at, to in object_rules()["references"]["pods"].items()}
        for at, named in own.items():
            for path, value in at_each(artifact.data, at.split(".")):
                yield from _naming(artifact, path, value, named)


def _naming(artifact: Artifact, path: Path, value: Any, named: str) -> Iterator[Naming]:
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
        yield Naming(artifact, path, kind, name, space, str(own.get("key") or ""))


@cache
def builtin(kind: str) -> frozenset[str]:
    """List the objects of a kind that every cluster has."""
    return frozenset(object_rules()["builtin"].get(kind, ()))


GATE = Gate(
    id="OBJ008",
    title="Every object that another one names exists",
    phase="kubernetes",
    source="an autoscaler without its target scales nothing, and a route without its Service "
    "answers 503: both are taken by the API server",
    check=check,
    of_files=of_files,
    scope=counted_in_files("references", _all, _planned),
    reads="the places of assets/object_rules.yaml. What is of a kind and namespace of which these "
    "files have no object at all may be kept elsewhere and is not judged. Of files without a plan: "
    "also what pods name, with its key.",
)
