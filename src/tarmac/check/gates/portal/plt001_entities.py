"""Entities of a Backstage catalogue have the form that Backstage accepts, and their right names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft202012Validator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, string, texts
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

API = "backstage.io/"
DEFAULT = "default"
#: Fields of a specification that refer to entities, and the kind that each means without one.
REFERENCES = {
    "owner": "group", "system": "system", "subcomponentOf": "component", "domain": "domain",
    "parent": "group", "providesApis": "api", "consumesApis": "api", "dependsOn": "component",
    "dependencyOf": "component",
}  # fmt: skip
#: Backstage's own rule, which its schemas do not have: `FieldFormatEntityPolicy` of its model.
NAMES = {
    "name": (re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,61})?[A-Za-z0-9]"), "letters, digits, -_."),
    "namespace": (re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"), "a-z, 0-9 and -"),
}  # fmt: skip
#: How near another name is to count as the one that is meant.
NEAR = 0.8


@dataclass(frozen=True, order=True)
class EntityReference:
    """`[KIND:][NAMESPACE/]NAME`, in lower case as Backstage compares it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Write it as a catalogue does."""
        return f"{self.kind}:{self.namespace}/{self.name}"


@cache
def _validators() -> Mapping[str, Draft202012Validator]:
    """Compile the schema of each kind, as the package of Backstage's model has them."""
    text = resources.files("tarmac").joinpath("assets", "portal", "entities.json").read_text()
    known = json.loads(text)
    return {
        kind: Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": known["$defs"]})
        for kind in known["kinds"]
    }


def entities(files: Files) -> Iterator[Artifact]:
    """Yield the entities of kinds that Backstage itself has."""
    for artifact in files.raw:
        api, kind = str(artifact.data.get("apiVersion")), string(artifact.data, "kind")
        if api.startswith(API) and kind in _validators():
            yield artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield what Backstage refuses, entities that stand twice, and misspelt references."""
    found = [*entities(files)]
    known: dict[EntityReference, Artifact] = {}
    for artifact in found:
        yield from _form(artifact)
        own = _reference(artifact)
        if own in known:
            first = known[own].at("metadata", "name")
            what = f"{own} is in {first}, too; Backstage keeps one of them, so rename or remove one"
            yield Finding(artifact.at("metadata", "name"), what)
        known[own] = artifact
    for artifact in found:
        yield from _references(artifact, known)


def _form(artifact: Artifact) -> Iterator[Finding]:
    validator = _validators()[str(artifact.data["kind"])]
    for key, (pattern, allowed) in NAMES.items():
        name = dig(artifact.data, "metadata", key)
        if isinstance(name, str) and not pattern.fullmatch(name):
            what = f"metadata.{key} is '{name}'; use up to 63 of {allowed}"
            yield Finding(artifact.at("metadata", key), what)
    try:
        wrong = [*validator.iter_errors(_resolved(artifact.data))]
    except ValueError:  # a key that is not text, a date
        yield Finding(artifact.at(), "has values that are not JSON; write them in quotes")
        return
    for error in wrong:
        path = [*error.instance_path]
        where = ".".join(map(str, path)) or str(artifact.data["kind"])
        yield Finding(artifact.at(*path), f"{where}: Backstage refuses it: {error.message}")


def _resolved(value: Any) -> Any:
    """Put a text where Backstage puts the content of another file: `{$text: ./openapi.yaml}`."""
    if isinstance(value, Mapping):
        if len(value) == 1 and str(next(iter(value))).startswith("$"):
            return str(value)
        return {key: _resolved(item) for key, item in value.items()}
    return [_resolved(item) for item in value] if isinstance(value, list | tuple) else value


def _references(artifact: Artifact, known: Mapping[EntityReference, Artifact]) -> Iterator[Finding]:
    spec, own = fields(artifact.data, "spec"), _reference(artifact)
    for key, kind in REFERENCES.items():
        value = dig(spec, key)
        for number, text in enumerate([value] if isinstance(value, str) else texts(value)):
            wanted = _parsed(text, kind, own.namespace)
            if wanted in known:
                continue
            names = [
                e.name for e in known if (e.kind, e.namespace) == (wanted.kind, wanted.namespace)
            ]
            for near in difflib.get_close_matches(wanted.name, names, 1, NEAR):
                path = (key,) if isinstance(value, str) else (key, number)
                what = f"{key} refers to {wanted}, which is not here; did you mean '{near}'?"
                yield Finding(artifact.at("spec", *path), what)


def _parsed(text: str, kind: str, namespace: str) -> EntityReference:
    head, _, rest = text.lower().rpartition(":")
    space, _, name = rest.rpartition("/")
    return EntityReference(head or kind, space or namespace, name)


def _reference(artifact: Artifact) -> EntityReference:
    meta: Mapping[str, Any] = fields(artifact.data, "metadata")
    parts = (artifact.data["kind"], meta.get("namespace") or DEFAULT, meta.get("name"))
    kind, namespace, name = (str(part).lower() for part in parts)
    return EntityReference(kind, namespace, name)


GATE = Gate(
    id="PLT001",
    title="Entities of the portal's catalogue are those that Backstage takes",
    phase="portal",
    source="https://backstage.io/docs/features/software-catalog/descriptor-format: an entity that "
    "is wrong is left out of the catalogue, without a line in the log",
    check=check,
    of_files=check,
    scope=counted_in_files("entities", entities),
    reads="Files of apiVersion backstage.io; a reference to another repository's entity is not "
    "followed.",
    level=Level.VALID,
    targets=("repository",),
)
