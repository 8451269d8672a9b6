"""Fields between which a Composition copies are in the schema of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: What Crossplane itself adds to the schema of each kind.
_ADDED = {
    "spec": {
        "claimRef", "compositionRef", "compositionRevisionRef", "compositionRevisionSelector",
        "compositionSelector", "compositionUpdatePolicy", "resourceRefs", "crossplane",
        "writeConnectionSecretToRef", "publishConnectionDetailsTo", "environmentConfigRefs",
    },
    "status": {"conditions", "connectionDetails", "claimConditionTypes", "crossplane"},
}  # fmt: skip
#: Which end of a patch is a field of the kind, by its type.
_ENDS = {
    "FromCompositeFieldPath": "fromFieldPath", "ToCompositeFieldPath": "toFieldPath",
    "CombineToComposite": "toFieldPath",
}  # fmt: skip
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_DEFINITION = "CompositeResourceDefinition"


def check(files: Files) -> Iterator[Finding]:
    """Yield fields of patches that the API server takes away, or never has."""
    known = {key: schema for one in files.objects(_DEFINITION) for key, schema in _schemas(one)}
    for artifact in files.objects("Composition") if known else ():
        of = fields(artifact.data, "spec", "compositeTypeRef")
        schema = known.get((string(of, "apiVersion"), string(of, "kind")))
        if schema is None:
            continue
        for path, key, asked in _patched(artifact):
            if (lost := _lost(schema, asked)) is not None:
                step, there = lost
                what = (
                    f"{title(artifact)} copies {'to' if key.startswith('to') else 'from'} {asked}"
                )
                why = f"and {string(of, 'kind')} has no field {step}, so the value is lost"
                near = only_near(step, there)
                advice = f"did you mean '{near}'?" if near else "add it to the schema"
                yield Finding(artifact.at(*path, key), f"{what}, {why}; {advice}")


def _schemas(definition: Artifact) -> Iterator[tuple[tuple[str, str], Fields]]:
    """Yield the schema of each version, by its apiVersion and kind."""
    group, kind = string(definition.data, "spec", "group"), dig(definition.data, "spec", "names")
    for version in items(definition.data, "spec", "versions"):
        schema = fields(version, "schema", "openAPIV3Schema")
        if schema:
            yield (f"{group}/{string(version, 'name')}", string(kind, "kind")), schema


def _patched(artifact: Artifact) -> Iterator[tuple[Path, str, str]]:
    """Yield where a Composition names fields of its kind: the patch, the key, and the field."""
    for path, patch in _patches(artifact.data, ()):
        kind = string(patch, "type") or "FromCompositeFieldPath"
        key = _ENDS.get(kind, "")
        if key and string(patch, key):
            yield path, key, string(patch, key)
        if kind == "CombineFromComposite":
            for number, one in numbered(patch, "combine", "variables"):
                if asked := string(one, "fromFieldPath"):
                    yield (*path, "combine", "variables", number), "fromFieldPath", asked


def _patches(value: Any, path: Path) -> Iterator[tuple[Path, Fields]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            here = (*path, str(key))
            if key == "patches" and isinstance(below, list):
                yield from (((*here, n), one) for n, one in numbered(value, "patches"))
            else:
                yield from _patches(below, here)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _patches(below, (*path, number))


def _lost(schema: Fields, asked: str) -> tuple[str, list[str]] | None:
    """Find the first step of a path that a schema does not have, and those that are there."""
    steps = _STEP.findall(asked)
    if not steps or steps[0] not in _ADDED or (len(steps) > 1 and steps[1] in _ADDED[steps[0]]):
        return None
    node: Fields = schema
    for step in steps:
        if step.startswith("["):
            node = fields(node, "items")
        elif node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node:
            return None
        elif step in (own := fields(node, "properties")):
            node = fields(own, step)
        elif own or step == steps[0]:
            return step if step != steps[0] else ".".join(steps[:2]), sorted(map(str, own))
        else:
            return None
        if not node:
            return None
    return None


GATE = Gate(
    id="OBJ040",
    title="Fields between which a Composition copies are in the schema of its kind",
    phase="kubernetes",
    source="https://docs.crossplane.io/latest/composition/composite-resource-definitions: an API "
    "server keeps the fields of the schema, and takes away all others",
    check=check,
    of_files=check,
    scope=kinds("Compositions", "Composition"),
    targets=("cluster",),
    reads="patches between a composite resource and what it is made of, beside the schema of a "
    "CompositeResourceDefinition in these files.",
)
