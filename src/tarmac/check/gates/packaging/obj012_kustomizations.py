"""Kustomizations list files that exist, and all objects beside them."""

from __future__ import annotations

import difflib
import posixpath
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import PurePosixPath

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.overlays.kustomizations import (
    REMOTE,
    Kustomization,
    kustomization_files,
)
from tarmac.check.gates.views.overlays.unfollowed import is_led_to
from tarmac.check.gates.views.overlays.unlisted import unlisted
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.written_files import is_written, written_files

KINDS = ("Kustomization", "Component")
#: What gives it objects.
PARTS = frozenset((
    "resources", "bases", "components", "generators", "helmCharts", "configMapGenerator",
    "secretGenerator", "crds", "helmChartInflationGenerator",
))  # fmt: skip
_ALIKE = 0.8
#: So many are forgotten one by one.
_FEW = 2


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
            is_open = bool(says) or not is_led_to(files, folder)
            yield Finding(artifact.at(), what, warning=is_open)
        listed = [str(one) for one in Kustomization(artifact).resources]
        absent = dict(_absent(files, folder, listed, there))
        # Where most are absent, it is a part of a folder that is put over another one.
        is_part = len(absent) > max(_FEW, len(listed) / 2)
        for number, name in absent.items():
            # What is listed itself is not what is meant.
            names = {one.rpartition("/")[2] for one in there if _is_in(one, folder)} - {*listed}
            near = difflib.get_close_matches(name, () if is_part else sorted(names), 1, _ALIKE)
            advice = f"did you mean {near[0]}?" if near else "add it, unless a program makes it"
            what = f"lists the resource {name}, which does not exist; {advice}"
            yield Finding(artifact.at("resources", number), what)
        for name, count in Counter(listed).items():
            if count > 1:
                what = f"lists the resource {name} {count} times, which kustomize rejects"
                yield Finding(artifact.at("resources"), f"{what}; remove one")


def _absent(
    files: Files, folder: str, listed: list[str], there: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Yield resources that are not there, and that no script here writes."""
    for number, name in enumerate(listed):
        path = posixpath.normpath(posixpath.join(folder, name))
        # What was built of a file stands for it; the disk still has it.
        place = on_disk(files, path)
        is_there = path in there or (place is not None and place.exists())
        is_elsewhere = REMOTE.match(name) or path.startswith("..")
        if not is_there and not is_elsewhere and not is_written(path, written_files(files)):
            yield number, name


def left_out(files: Files) -> Iterator[Finding]:
    """Yield objects in the folder of a Kustomization that none names."""
    for path, beside in unlisted(files):
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
