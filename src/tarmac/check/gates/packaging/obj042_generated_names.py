"""A generated ConfigMap or Secret is in the namespace of the pods that name it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, numbered, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.kustomizations import Kustomization, kustomization_files
from tarmac.check.gates.views.objects.kustomized import as_written, objects_of
from tarmac.check.gates.views.scope import counted_in_files

_GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
#: The last keys of places where an object names a ConfigMap or a Secret.
_NAMES = {
    "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap"),
    "Secret": ("secretRef", "secretKeyRef", "secret", "imagePullSecrets"),
}


class PutObject(NamedTuple):
    """An object that a kustomization includes, with the namespace that it is put into."""

    data: Mapping[str, Any]
    namespace: str


def check(files: Files) -> Iterator[Finding]:
    """Yield generated objects without the namespace of what names them."""
    own, by_path = as_written(files)
    for folder, artifact in _generating(own):
        included = list(_included(files, folder, own, by_path, "", set()))
        for key, kind in _GENERATORS.items():
            for number, made in numbered(artifact.data, key):
                name, space = string(made, "name"), string(made, "namespace")
                # One that is merged has the namespace of the first.
                is_added = string(made, "behavior") in ("merge", "replace")
                for one in included if not is_added else ():
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
        for key in ("resources", "bases", "components"):
            for name in map(str, items(artifact.data, key)):
                inner.add(posixpath.normpath(posixpath.join(folder, name)))
    for folder, artifact in own.items():
        if folder in inner:
            continue
        is_part = artifact.data.get("kind") == "Component"
        generates = any(artifact.data.get(key) for key in _GENERATORS)
        if generates and not is_part and not Kustomization(artifact).namespace:
            yield folder, artifact


def _included(
    files: Files,
    folder: str,
    own: Mapping[str, Artifact],
    by_path: dict[str, list[Mapping[str, Any]]],
    space: str,
    seen: set[str],
) -> Iterator[PutObject]:
    """Yield the objects in files of a kustomization, and of those that it includes."""
    artifact = own.get(folder)
    if artifact is None or folder in seen:
        return
    seen.add(folder)
    space = space or Kustomization(artifact).namespace or ""
    for name in map(str, (*Kustomization(artifact).resources, *items(artifact.data, "bases"))):
        path = posixpath.normpath(posixpath.join(folder, name))
        for one in objects_of(files, path, by_path):
            yield PutObject(one, space or string(fields(one, "metadata"), "namespace"))
        yield from _included(files, path, own, by_path, space, seen)


def _names(data: Mapping[str, Any], kind: str, name: str) -> bool:
    """Tell whether an object names another one where kustomize changes names."""
    return any(
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
