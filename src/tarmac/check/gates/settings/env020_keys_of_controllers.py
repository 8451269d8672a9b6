"""A Secret that a controller reads has the keys by which it is read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, metadata, space_of, title
from tarmac.check.gates.views.objects.stored_objects import ANY, StoredObject, StoredObjects, kept
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_ALL = "-"


class ReadSecret(NamedTuple):
    """A place by which a controller finds a Secret, and the keys that it looks for."""

    artifact: Artifact
    path: Path
    name: str
    space: str
    keys: tuple[str, ...]
    #: What comes of it.
    why: str


def check(files: Files) -> Iterator[Finding]:
    """Yield Secrets without a key that is looked for."""
    there = StoredObjects(_stored(files))
    for one in _read(files):
        named = [own for own in there.named("Secret", one.name, one.space) if _near(own, one)]
        keys = frozenset[str]().union(*(own.keys for own in named))
        if not keys or ANY & keys:
            continue
        if lacking := [key for key in one.keys if key not in keys]:
            shown = ", ".join(sorted(keys))
            what = f"{title(one.artifact)} reads Secret {one.name} by the key {lacking[0]}, and it"
            said = f"{what} has {shown} ({named[0].artifact.path}): {one.why}; name the key"
            yield Finding(one.artifact.at(*one.path), f"{said} {lacking[0]}")


def _near(own: StoredObject, one: ReadSecret) -> bool:
    """Tell whether a Secret is in the namespace of its reader, or in its folder."""
    if own.namespace and one.space:
        return own.namespace == one.space
    return posixpath.dirname(own.artifact.path) == posixpath.dirname(one.artifact.path)


def _stored(files: Files) -> Iterator[StoredObject]:
    """Yield what is in the files and made of them; of generators, with the keys that they say."""
    for one in kept(files):
        if one.kind == "Secret":
            is_made = "secretGenerator" in one.artifact.data
            yield one._replace(keys=_generated(one)) if is_made else one


def _generated(one: StoredObject) -> frozenset[str]:
    for _, generator in numbered(one.artifact.data, "secretGenerator"):
        if generator.get("name") == one.name and not {"envs", "env"} & generator.keys():
            told = [str(text) for key in ("files", "literals") for text in items(generator, key)]
            return frozenset(posixpath.basename(text.partition("=")[0]) for text in told) or ANY
    return ANY


def _read(files: Files) -> Iterator[ReadSecret]:
    for rule in published("read_keys")["places"]:
        for artifact in files.objects(rule["kind"]):
            if "group" in rule and group_of(artifact) != rule["group"]:
                continue
            is_off = any(re.fullmatch(text, _noted(artifact, key)) for key, text in _unless(rule))
            for path in () if is_off else _paths(artifact.data, tuple(rule["at"])):
                space, _, name = str(dig(artifact.data, *path) or "").rpartition("/")
                if name and "$" not in name and "{" not in name:
                    own = space or space_of(artifact)
                    yield ReadSecret(artifact, path, name, own, tuple(rule["keys"]), rule["why"])


def _unless(rule: Any) -> list[tuple[str, str]]:
    return list(rule.get("unless", {}).items())


def _noted(artifact: Artifact, key: str) -> str:
    """Read an annotation, or a part of an object by its path."""
    noted = metadata(artifact).annotations
    return str(noted[key]) if key in noted else string(artifact.data, *key.split("."))


def _paths(data: Any, at: tuple[str, ...], above: Path = ()) -> Iterator[Path]:
    """Yield the places of a path, of which `-` is each item of a list."""
    if not at:
        yield above
        return
    first, *rest = at
    if first == _ALL:
        found = dig(data, *above) if above else data
        for number in range(len(found) if isinstance(found, list) else 0):
            yield from _paths(data, tuple(rest), (*above, number))
    elif first in fields(data, *above):
        yield from _paths(data, tuple(rest), (*above, first))


def _judged(files: Files) -> Iterator[object]:
    yield from _read(files)


GATE = Gate(
    id="ENV020",
    title="A Secret that a controller reads has the keys by which it is read",
    phase="kubernetes",
    source="https://kubernetes.github.io/ingress-nginx/examples/auth/basic: the file is called "
    "auth, so that the Secret has that key, and the answer is 503 without it; the pages in "
    "assets/published.yaml",
    check=check,
    of_files=check,
    scope=counted_in_files("Secrets that controllers read", _judged),
    targets=("cluster",),
    reads="annotations and fields of the kinds that assets/published.yaml lists, beside Secrets, "
    "ExternalSecrets and generators of kustomize. What a store or a controller fills with keys of "
    "its own is not judged.",
)
