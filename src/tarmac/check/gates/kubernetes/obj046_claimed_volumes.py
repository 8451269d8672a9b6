"""A claim and the volume that it names are of one class and size, and are for the same use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield claims that never get the volume that they name."""
    for claim, volume in _pairs(files):
        spec, own = fields(claim.data, "spec"), fields(volume.data, "spec")
        asked, has = spec.get("storageClassName"), str(own.get("storageClassName") or "")
        what = f"{title(claim)} names {title(volume)}"
        if asked is None and not has:
            said = f"{what}, which has no class, and gets the default class of its cluster: the"
            advice = 'two are never bound; write storageClassName: ""'
            yield Finding(claim.at("spec"), f"{said} {advice}", warning=True)
        elif asked is not None and str(asked) != has:
            said = f"{what} of the class {has or 'none'}, and asks for {asked or 'none'}: the two"
            where = claim.at("spec", "storageClassName")
            yield Finding(where, f"{said} are never bound; write one class for both")
        modes = set(map(str, items(own, "accessModes")))
        lost = [str(one) for one in items(spec, "accessModes") if str(one) not in modes]
        if modes and lost:
            said = f"{what}, which is for {', '.join(sorted(modes))}, and asks for {lost[0]}: the"
            where = claim.at("spec", "accessModes")
            yield Finding(where, f"{said} two are never bound; write the same for both")
        wanted = _bytes(dig(spec, "resources", "requests", "storage"))
        size = _bytes(dig(own, "capacity", "storage"))
        if wanted is not None and size is not None and wanted > size:
            said = f"{what}, which is smaller than it asks for: the two are never bound"
            where = claim.at("spec", "resources", "requests", "storage")
            yield Finding(where, f"{said}; ask for less, or make the volume larger")


def _bytes(written: Any) -> float | None:
    try:
        return float(amount(written))
    except (TypeError, ValueError):
        return None


@once
def _pairs(files: Files) -> Iterator[tuple[Artifact, Artifact]]:
    """Yield claims with the volume that they name, or whose labels they alone select."""
    every = list(files.objects("PersistentVolume"))
    volumes = {name_of(one): one for one in every}
    # Clusters have a file each, with a volume of that name.
    beside = {(one.path, name_of(one)): one for one in every}
    by_label: dict[tuple[str, str], list[Artifact]] = {}
    for one in volumes.values():
        for key, value in metadata(one).labels.items():
            by_label.setdefault((str(key), str(value)), []).append(one)
    for claim in files.objects("PersistentVolumeClaim") if volumes else ():
        name = string(claim.data, "spec", "volumeName")
        named = beside.get((claim.path, name), volumes.get(name))
        if named is not None:
            yield claim, named
            continue
        labels = fields(claim.data, "spec", "selector", "matchLabels").items()
        found = [by_label.get((str(k), str(v)), []) for k, v in labels]
        if len(found) == 1 and len(found[0]) == 1:
            yield claim, found[0][0]


GATE = Gate(
    id="OBJ046",
    title="A claim can be bound to the volume that it names",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding: class, access "
    "modes and size of both have to fit; a claim without a class gets the default one",
    check=check,
    of_files=check,
    scope=counted_in_files("claims of a volume", _pairs),
    targets=("cluster",),
    reads="storageClassName, accessModes and size of claims, beside those of the PersistentVolume "
    "that they name or select.",
)
