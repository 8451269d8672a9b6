"""Kustomizations list files that exist, and all objects beside them."""

from __future__ import annotations

import difflib
import posixpath
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import items, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.kustomizations import (
    NAMES,
    REMOTE,
    Kustomization,
    kustomization_files,
)
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files

KINDS = ("Kustomization", "Component")
#: What gives it objects.
PARTS = frozenset((
    "resources", "bases", "components", "generators", "helmCharts", "configMapGenerator",
    "secretGenerator", "crds", "helmChartInflationGenerator",
))  # fmt: skip
_ALIKE = 0.8


def check(files: Files) -> Iterator[Finding]:
    """Yield names of files that are not there, and objects that no Kustomization names."""
    yield from list_faults(files)
    yield from left_out(files)


def list_faults(files: Files) -> Iterator[Finding]:
    """Yield names of files that are not there, and objects that no Kustomization names."""
    there = {artifact.path for artifact in files.artifacts}
    there |= {folder for path in there for folder in _above(path)}
    for artifact in kustomization_files(files):
        folder = _above(artifact.path)[0]
        kind = str(artifact.data.get("kind", "Kustomization"))
        if kind not in KINDS:
            what = f"has the kind {kind}, which kustomize rejects; {did_you_mean(kind, KINDS)}"
            yield Finding(artifact.at("kind"), what)
        if kind != "Component" and not PARTS & artifact.data.keys():
            # kustomize refuses one that says nothing at all; of others nothing comes.
            says = artifact.data.keys() - {"apiVersion", "kind", "metadata"}
            what = "names no resources, so it builds nothing; write them"
            yield Finding(artifact.at(), what, warning=bool(says))
        listed = [str(one) for one in Kustomization(artifact).resources]
        for number, name in enumerate(listed):
            path = posixpath.normpath(posixpath.join(folder, name))
            # What was built of a file stands for it; the disk still has it.
            place = on_disk(files, path)
            is_there = path in there or (place is not None and place.exists())
            if not is_there and not REMOTE.match(name) and not path.startswith(".."):
                names = [one.rpartition("/")[2] for one in there if _is_in(one, folder)]
                near = difflib.get_close_matches(name, names, 1, _ALIKE)
                advice = f"did you mean {near[0]}?" if near else "add it, unless a program makes it"
                what = f"lists the resource {name}, which does not exist; {advice}"
                yield Finding(artifact.at("resources", number), what)
        for name, count in Counter(listed).items():
            if count > 1:
                what = f"lists the resource {name} {count} times, which kustomize rejects"
                yield Finding(artifact.at("resources"), f"{what}; remove one")


def left_out(files: Files) -> Iterator[Finding]:
    """Yield objects in the folder of a Kustomization that none names."""
    own = list(kustomization_files(files))
    folders = {_above(artifact.path)[0]: artifact for artifact in own}
    named = {
        posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), text))
        for artifact in own
        for _, text in places(artifact.data)
        if "\n" not in text
    }
    left: dict[str, Artifact] = {}
    for artifact in files.objects():
        folder = _above(artifact.path)[0]
        is_listing = folder in folders and bool(items(folders[folder].data, "resources"))
        if is_listing and artifact.path not in named and not artifact.path.endswith(NAMES):
            left.setdefault(artifact.path, folders[folder])
    for path, beside in left.items():
        what = f"is not named by {beside.path} beside it, so it is not applied"
        yield Finding(f"{path}:1", f"{what}; add it to `resources` ({beside.at('resources')})")


def _is_in(path: str, folder: str) -> bool:
    return path.endswith((".yaml", ".yml")) and _above(path)[0] == folder


@cache
def _above(path: str) -> tuple[str, ...]:
    """List the folders of a file, the nearest first; each overlay is a tree with the same files."""
    return tuple(map(str, PurePosixPath(path).parents))


GATE = Gate(
    id="OBJ012",
    title="Kustomizations list files that exist, and all objects beside them",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize: a resource that is not there "
    "stops the build; an object that no list names is never applied, and nothing says so",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations", kustomization_files),
    targets=("cluster",),
    reads=(
        "files that are called kustomization.yaml, and the objects "
        "in their folders. Remote resources are not checked."
    ),
)
