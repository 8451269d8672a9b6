"""Where an object holds what a pod is made of: in any kind, found by its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Path, dig
from tarmac.check.gates.views.shapes.kept import kept
from tarmac.check.gates.views.shapes.kinds import own_kind
from tarmac.check.gates.views.shapes.pods import TEMPLATE
from tarmac.check.gates.views.shapes.references import METADATA
from tarmac.check.gates.views.shapes.shape import ListOf, Record, Shape

#: Where these kinds keep the `spec` of their pods, whatever is in it.
SPECS = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Rollout": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
    "ReplicaSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "PodTemplate": ("template", "spec"),
    "ScaledJob": ("spec", "jobTargetRef", "template", "spec"),
}
#: Other kinds may have it under such a key, at any depth.
_KEYS = ("spec", "podSpec", "template", "podTemplate")
#: Below these keys is a pattern that objects are compared with, or a part of one.
_PATTERNS = frozenset({
    "pattern", "anyPattern", "patchStrategicMerge", "patches", "mutate", "validate", "foreach",
    "openAPIV3Schema",
})  # fmt: skip
#: Kinds whose content is not an object's.
_PLAIN = frozenset({"ConfigMap", "Secret", "Service", "CustomResourceDefinition", "Kustomization"})


@kept
def spec_paths(data: Mapping[str, Any]) -> tuple[Path, ...]:
    """List where an object has the `spec` of pods."""
    kind = own_kind(data)
    if (path := SPECS.get(kind)) is not None:
        return (path,) if isinstance(dig(data, *path[:-1]), Mapping) else ()
    if kind in _PLAIN:
        return ()
    return tuple(_found(data, ()))


def spec_places(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Write these paths as rules do: `-` for each item of a list."""
    written = (".".join("-" if isinstance(s, int) else s for s in p) for p in spec_paths(data))
    return tuple(dict.fromkeys(written))


def _found(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        # At the top of an unknown kind, `containers` are added to pods of a controller's own.
        if path[1:] and path[-1] in _KEYS and _is_pod(value):
            yield path
            return
        for key, part in value.items():
            if isinstance(part, dict | list) and key not in _PATTERNS:
                yield from _found(part, (*path, str(key)))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            if isinstance(part, dict | list):
                yield from _found(part, (*path, number))


def _is_pod(value: Mapping[str, Any]) -> bool:
    """Tell whether a value has whole containers; a part of one is merged into another."""
    held = value.get("containers")
    return (
        isinstance(held, list)
        and bool(held)
        and all(isinstance(one, Mapping) and isinstance(one.get("image"), str) for one in held)
    )


def shape_of_pods(data: Mapping[str, Any]) -> Mapping[str, Shape]:
    """Give the shapes of the parts of an object that hold pods."""
    paths = spec_paths(data)
    found = _shape(list(paths)) if paths else None
    return found.fields if isinstance(found, Record) else {}


def _shape(paths: list[Path]) -> Shape:
    if () in paths:
        return TEMPLATE.fields["spec"]
    if isinstance(paths[0][0], int):
        return ListOf(_shape([path[1:] for path in paths]))
    keys = dict.fromkeys(str(path[0]) for path in paths)
    parts = {key: _shape([path[1:] for path in paths if path[0] == key]) for key in keys}
    return Record({**parts, "metadata": METADATA} if ("spec",) in paths else parts)
