"""Backups of namespaces with volumes hold these: as snapshots, or as copies of their files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, space_of, title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

GROUP = "velero.io"
TEMPLATE: dict[str, Path] = {"Schedule": ("spec", "template"), "Backup": ("spec",)}
_MINE = "backup.velero.io/backup-volumes"
_COPYING = ("defaultVolumesToFsBackup", "defaultVolumesToRestic")
_NAMING = (_MINE, f"{_MINE}-excludes")
#: How Velero's server, or its chart, is told to copy the files of all volumes.
_FOR_ALL = ("default-volumes-to-fs-backup", "defaultVolumesToFsBackup", "default-volumes-to-restic")
_CLAIMS = frozenset({"persistentvolumeclaims", "persistentvolumeclaim", "pvc", "*"})
_VOLUMES = frozenset({"persistentvolumes", "persistentvolume", "pv", *_CLAIMS})
#: Keys of filters by which objects are left out.
_LEFT_OUT = (
    "excludedResources", "excludedNamespaceScopedResources", "excludedClusterScopedResources",
)  # fmt: skip


class Volumes(NamedTuple):
    """What has volumes, and whether its pods name those that Velero copies."""

    owner: Artifact
    is_named: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield backups of a namespace without its volumes, and names of volumes that no pod has."""
    yield from _unknown(files)
    backups = [one for one in files.objects(*TEMPLATE) if group_of(one) == GROUP]
    for artifact in backups:
        spec = fields(artifact.data, *TEMPLATE[kind_of(artifact)])
        if spec.get("snapshotVolumes") is True and spec.get("includeClusterResources") is False:
            what = f"{title(artifact)} is to take snapshots, and includeClusterResources: false"
            where = artifact.at(*TEMPLATE[kind_of(artifact)], "includeClusterResources")
            yield Finding(where, f"{what} leaves out PersistentVolumes: none is taken; remove it")
    volumes = _volumes(files) if backups else {}
    if not volumes or _copies_all(files):
        return
    for space, owners in sorted(volumes.items()):
        told = ((one, _leaves_out(one, space)) for one in backups)
        own = [(one, faults) for one, faults in told if faults is not None]
        # One of several may be of the objects alone.
        if not own or any(not faults for _, faults in own):
            continue
        lost = next((one for one in owners if not one.is_named), None)
        if lost is not None:
            artifact, ((path, why), *_) = own[0]
            what = f"{title(artifact)} {why}, so of {title(lost.owner)} in {space} an empty volume"
            advice = "comes back; write defaultVolumesToFsBackup: true, or take snapshots"
            where = artifact.at(*TEMPLATE[kind_of(artifact)], *path)
            yield Finding(where, f"{what} {advice}", warning=True)


def _unknown(files: Files) -> Iterator[Finding]:
    for own in pods(files):
        claims = items(own.artifact.data, "spec", "volumeClaimTemplates")
        there = {one.name for one in own.spec.volumes}
        there |= {string(one, "metadata", "name") for one in claims}
        for key in _NAMING:
            for name in str(own.metadata.annotations.get(key, "")).split(","):
                if (asked := name.strip()) and asked not in there and "{" not in asked:
                    what = f"{title(own.artifact)} names {asked} in {key}, and its pods have no"
                    listed = ", ".join(sorted(map(str, there))) or "none"
                    where = own.artifact.at(*own.path[:-1], "metadata", "annotations", key)
                    advice = f"such volume, so that is in no backup; there are: {listed}"
                    yield Finding(where, f"{what} {advice}")


def _leaves_out(artifact: Artifact, space: str) -> list[tuple[Path, str]] | None:
    """Say how a backup leaves volumes out; None where it is not of their namespace."""
    spec = fields(artifact.data, *TEMPLATE[kind_of(artifact)])
    included = [str(one) for one in items(spec, "includedNamespaces")] or ["*"]
    excluded = [str(one) for one in items(spec, "excludedNamespaces")]
    if space in excluded or not ({"*", space} & set(included)):
        return None
    if any(spec.get(key) for key in ("labelSelector", "orLabelSelectors", "resourcePolicy")):
        return []
    for key in _LEFT_OUT:
        if _words(spec, key) & (_VOLUMES - {"*"}):
            return [((key,), f"leaves out volumes by {key}")]
    for key in ("includedResources", "includedNamespaceScopedResources"):
        asked = _words(spec, key)
        if asked and not asked & _CLAIMS:
            return [((key,), f"is of {', '.join(sorted(asked))} alone")]
    is_copied = True in [spec.get(key) for key in _COPYING]
    if spec.get("includeClusterResources") is False and not is_copied:
        what = "leaves out PersistentVolumes by includeClusterResources: false"
        return [(("includeClusterResources",), what)]
    copies = [spec.get(key) for key in _COPYING]
    if spec.get("snapshotVolumes") is False and True not in copies:
        what = "takes no snapshots of volumes and copies no files of them"
        return [(("snapshotVolumes",), what)]
    return []


def _words(spec: Fields, key: str) -> set[str]:
    return {str(one).partition(".")[0].lower() for one in items(spec, key)}


def _copies_all(files: Files) -> bool:
    """Tell whether Velero itself is told to copy all volumes, in what is not a backup."""
    return any(
        sign in str(artifact.content)
        for artifact in files.artifacts
        if group_of(artifact) != GROUP
        for sign in _FOR_ALL
    )


def _volumes(files: Files) -> dict[str, list[Volumes]]:
    """List what has volumes by its namespace, where that is known."""
    found: dict[str, list[Volumes]] = {}
    for own in pods(files):
        claims = [one for one in own.spec.volumes if "persistentVolumeClaim" in one.kinds]
        has_volumes = claims or items(own.artifact.data, "spec", "volumeClaimTemplates")
        if (space := space_of(own.artifact)) and has_volumes:
            is_named = _MINE in own.metadata.annotations
            found.setdefault(space, []).append(Volumes(own.artifact, is_named))
    return found


def _judged(files: Files) -> list[Artifact]:
    backups = [one for one in files.objects(*TEMPLATE) if group_of(one) == GROUP]
    naming = (one for one in pods(files) if any(key in one.metadata.annotations for key in _NAMING))
    return [*backups, *(one.artifact for one in naming)]


GATE = Gate(
    id="DRP006",
    title="Backups of namespaces with volumes hold these",
    phase="recovery",
    source="https://velero.io/docs/main/file-system-backup: without snapshots only volumes are "
    "copied that a pod names, or all of them where a backup says so",
    check=check,
    of_files=check,
    scope=counted_in_files("backups, their schedules, and pods that name volumes", _judged),
    targets=("cluster",),
    reads="snapshots, copies and filters of Velero's Schedules and Backups beside the workloads "
    "with claims in their namespaces; names of volumes in annotations of pods. Whether a database "
    "is dumped elsewhere, files do not say.",
)
