"""Which objects a patch of a kustomization is for, by their labels."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, dig, fields, items, string
from tarmac.check.gates.views.overlays.kustomized import Base

_EQUAL = re.compile(r"\s*([\w./-]+)\s*==?\s*([\w.-]*)\s*")


def unmet(target: Fields, base: Base, own: Mapping[str, Artifact]) -> tuple[str, str] | None:
    """Find the label of a target that no object of its kind has, and an advice.

    None where one has it, or where that is not known.
    """
    written = string(target, "labelSelector")
    read = [found for one in written.split(",") if (found := _EQUAL.fullmatch(one))]
    asked = {str(found[1]): str(found[2]) for found in read}
    if not asked or len(asked) != len(written.split(",")) or asked.keys() & _added(own):
        return None
    kind, name = string(target, "kind"), string(target, "name")
    there = [
        fields(one, "metadata", "labels")
        for one in base.objects
        if (not kind or one.get("kind") == kind)
        and (not name or string(one, "metadata", "name") == name)
    ]
    if any(all(labels.get(key) == value for key, value in asked.items()) for labels in there):
        return None
    has = sorted({f"{key}={value}" for labels in there for key, value in labels.items()})
    return written, did_you_mean(next(iter(f"{k}={v}" for k, v in asked.items())), has)


def _added(own: Mapping[str, Artifact]) -> set[str]:
    """List the labels that kustomizations add to what they include."""
    found = set[str]()
    for artifact in own.values():
        found |= set(map(str, fields(artifact.data, "commonLabels")))
        for one in items(artifact.data, "labels"):
            found |= set(map(str, fields(dig(one, "pairs"))))
    return found
