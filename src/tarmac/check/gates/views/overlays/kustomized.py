"""What a kustomization includes, as it was written in files: what was built stands for those."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.overlays.file_documents import documents
from tarmac.check.gates.views.overlays.kustomizations import (
    REMOTE,
    Kustomization,
    kustomization_files,
)
from tarmac.check.gates.views.overlays.name_rules import has_rules
from tarmac.check.gates.views.overlays.patch_objects import renamed

#: Definitions of kinds are larger than that, and no patch needs them read twice.
_MOST_BYTES = 100_000
#: What makes objects that are not in files.
_OPEN = ("helmCharts", "generators", "helmChartInflationGenerator", "components", "transformers")


def as_written(files: Files) -> tuple[dict[str, Artifact], dict[str, list[Mapping[str, Any]]]]:
    """List the kustomizations by their folders, and the objects in files by their paths.

    A file of which something was built is not among them: what else it has may be gone.
    """
    by_path: dict[str, list[Mapping[str, Any]]] = {}
    built = {artifact.path for artifact in files.objects() if artifact.built_by}
    for artifact in files.objects():
        if artifact.path not in built:
            by_path.setdefault(artifact.path, []).append(artifact.data)
    return {posixpath.dirname(one.path): one for one in kustomization_files(files)}, by_path


class Base:
    """What a kustomization is built of, as it was written in files."""

    def __init__(self) -> None:
        self.objects: list[Mapping[str, Any]] = []
        self.renames = False
        #: The kind and name of what is generated and gets a hash behind its name.
        self.hashed = set[tuple[str, str]]()
        #: Whether nothing else may be in it.
        self.is_whole = True
        #: Whether it says itself which fields have names: what it includes says so for it, too.
        self.has_rules = False

    def has(self, kind: str, name: str) -> bool:
        """Tell whether an object is there that a pattern of kind and name takes."""
        return any(
            _fits(kind, string(one, "kind")) and _fits(name, string(one, "metadata", "name"))
            for one in self.objects
        )


def gather(
    files: Files,
    folder: str,
    own: Mapping[str, Artifact],
    by_path: dict[str, list[Mapping[str, Any]]],
    base: Base,
    seen: set[str],
) -> None:
    """Read what a kustomization includes, and what those include that it names."""
    artifact = own.get(folder)
    if artifact is None or folder in seen:
        base.is_whole = base.is_whole and artifact is not None
        return
    seen.add(folder)
    base.is_whole = base.is_whole and not any(artifact.data.get(key) for key in _OPEN)
    base.has_rules = base.has_rules or has_rules(artifact)
    for kind, name in renamed(files, folder, written(files, artifact)):
        base.objects.append({"kind": kind, "metadata": {"name": name}})
        base.renames = base.renames or not name
    if len(seen) > 1 and (artifact.data.get("namePrefix") or artifact.data.get("nameSuffix")):
        base.renames = True
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for made in items(artifact.data, key):
            name = string(made, "name")
            base.objects.append({"kind": kind, "metadata": {"name": name}})
            options = {**fields(artifact.data, "generatorOptions"), **fields(made, "options")}
            if name and not options.get("disableNameSuffixHash"):
                base.hashed.add((kind, name))
    listed = (*Kustomization(artifact).resources, *items(artifact.data, "bases"))
    for name in map(str, listed):
        path = posixpath.normpath(posixpath.join(folder, name))
        path = "" if path == "." else path
        if found := objects_of(files, path, by_path):
            base.objects += found
        elif not REMOTE.match(name) and path in own:
            gather(files, path, own, by_path, base, seen)
        else:
            base.is_whole = False


def written(files: Files, artifact: Artifact) -> Mapping[str, Any]:
    """Read a kustomization as it was written: of one that was built the patches are left out."""
    place = on_disk(files, artifact.path)
    if place is not None and place.is_file():
        return fields(next(iter(documents(place)), None))
    return artifact.data


def objects_of(
    files: Files, path: str, known: dict[str, list[Mapping[str, Any]]]
) -> list[Mapping[str, Any]]:
    """Read the objects of a file as they were written: what was built of it stands for it."""
    if path not in known:
        known[path] = []
        place = on_disk(files, path)
        if place is not None and place.is_file() and place.stat().st_size < _MOST_BYTES:
            read = documents(place)
            known[path] = [one for one in read if isinstance(one, Mapping) and "kind" in one]
    return known[path]


def _fits(pattern: str, there: str) -> bool:
    if pattern in ("", there):  # `${NAME}` is a name like others to kustomize
        return True
    try:
        return re.fullmatch(pattern, there) is not None
    except re.error:
        return pattern == there
