"""A generated ConfigMap or Secret is in the namespace of the pods that name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, numbered, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.overlays.flux_patches import target_namespaces
from tarmac.check.gates.views.overlays.kustomizations import (
    Kustomization,
    has_plain_name,
    kustomization_files,
)
from tarmac.check.gates.views.overlays.kustomized import as_written
from tarmac.check.gates.views.overlays.kustomized_parts import included, parts_of
from tarmac.check.gates.views.scope import counted_in_files

_GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
#: The last keys of places where an object names a ConfigMap or a Secret.
_NAMES = {
    "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap"),
    "Secret": ("secretRef", "secretKeyRef", "secret", "imagePullSecrets"),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield generated objects without the namespace of what names them."""
    own, by_path = as_written(files)
    placed = tuple(target_namespaces(files))
    for folder, artifact in _generating(own):
        if any(f"/{folder}".endswith(f"/{one}") for one in placed):
            continue
        parts = list(parts_of(files, folder, own, by_path))
        for key, kind in _GENERATORS.items():
            for number, made in numbered(artifact.data, key):
                name, space = string(made, "name"), string(made, "namespace")
                # One that is merged has the namespace of the first.
                is_added = string(made, "behavior") in ("merge", "replace")
                # Without a hash it is found by its own name, wherever all of it is put.
                is_added = is_added or has_plain_name(artifact, made)
                for one in parts if not is_added else ():
                    if one.namespace not in ("", space) and _names(one.data, kind, name):
                        which = f"{one.data.get('kind')} {dig(one.data, 'metadata', 'name')}"
                        what = f"generates {kind} {name} in {space or 'no namespace'}, and {which}"
                        said = f"{what} of {one.namespace} names it: that name gets no hash, and"
                        advice = f"is not found; write `namespace: {one.namespace}`"
                        yield Finding(artifact.at(key, number), f"{said} {advice}")
                        break


def _generating(own: Mapping[str, Artifact]) -> Iterator[tuple[str, Artifact]]:
    """Yield kustomizations that generate objects and give them no namespace of their own.

    One that others include is left out: they may put all of it into one namespace.
    """
    inner = set[str]()
    for folder, artifact in own.items():
        inner |= set(included(folder, artifact))
    for folder, artifact in own.items():
        if folder in inner:
            continue
        is_part = artifact.data.get("kind") == "Component"
        generates = any(artifact.data.get(key) for key in _GENERATORS)
        if generates and not is_part and not Kustomization(artifact).namespace:
            yield folder, artifact


def _names(data: Mapping[str, Any], kind: str, name: str) -> bool:
    """Tell whether an object names another one where kustomize changes names.

    Of kinds that others define, it knows no such places.
    """
    group = string(data, "apiVersion").rpartition("/")[0]
    is_known = "." not in group or group.endswith(".k8s.io")
    return is_known and any(
        text == name
        and path[-1] in ("name", "secretName")
        and any(step in _NAMES[kind] for step in path[-3:-1])
        for path, text in places(data)
    )


def _judged(files: Files) -> Iterator[Artifact]:
    for artifact in kustomization_files(files):
        if any(artifact.data.get(key) for key in _GENERATORS):
            yield artifact


GATE = Gate(
    id="OBJ042",
    title="What a kustomization generates is in the namespace of what names it",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/"
    "configmapgenerator: a name is followed within one namespace only",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations that generate", _judged),
    targets=(),
    reads="generators of kustomizations without a namespace, beside the objects of files that they "
    "include and the namespace that a base puts those into. Judges files without a plan only.",
)
