"""Backups hold what is there: their namespaces exist, and one is kept until the next is made."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.base.written import duration, seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.backup_schedules import apart, backup_schedule
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.scope import counted_in_files

GROUP = "velero.io"
TEMPLATE = {"Schedule": ("spec", "template"), "Backup": ("spec",)}


def check(files: Files) -> Iterator[Finding]:
    """Yield backups of namespaces that are not there, to no location, or gone too early."""
    spaces = {space_of(one) for one in files.objects() if group_of(one) != GROUP}
    spaces |= {name_of(one) for one in files.objects("Namespace")}
    locations = [name_of(one) for one in _of_velero(files, "BackupStorageLocation")]
    for artifact in _judged(files):
        path = TEMPLATE[artifact.data["kind"]]
        for number, space in enumerate(items(artifact.data, *path, "includedNamespaces")):
            if not isinstance(space, str) or space == "*":
                continue
            if spaces - {""} and space not in spaces:
                what = f"{title(artifact)} keeps namespace {space}, where nothing of these files is"
                place = artifact.at(*path, "includedNamespaces", number)
                advice = did_you_mean(space, sorted(spaces - {""}))
                yield Finding(place, f"{what}, and reports that it is complete; {advice}")
        location = string(artifact.data, *path, "storageLocation")
        if locations and location and location not in locations:
            what = f"{title(artifact)} goes to unknown location {location}"
            place = artifact.at(*path, "storageLocation")
            yield Finding(place, f"{what}; {did_you_mean(location, locations)}")
        yield from _gone(artifact)


def _gone(artifact: Artifact) -> Iterator[Finding]:
    """Yield a schedule whose backups go before the next one is made."""
    written = string(artifact.data, "spec", "template", "ttl")
    between = apart(backup_schedule(artifact)) if artifact.data["kind"] == "Schedule" else None
    if written and between and seconds(written) <= between:
        what = f"{title(artifact)} keeps each backup for {written} and makes one every "
        what += f"{duration(between)}, so at times there is none"
        place = artifact.at("spec", "template", "ttl")
        yield Finding(place, f"{what}; keep each for twice as long at least")


def _of_velero(files: Files, *kinds: str) -> Iterator[Artifact]:
    for artifact in files.objects(*kinds):
        if group_of(artifact) == GROUP:
            yield artifact


def _judged(files: Files) -> list[Artifact]:
    return list(_of_velero(files, *TEMPLATE))


GATE = Gate(
    id="DRP003",
    title="Backups keep namespaces that exist, until the next one is made",
    phase="recovery",
    source="https://velero.io/docs/v1.18/api-types/backup: a backup of a namespace that is not "
    "there is Completed, with nothing in it",
    check=check,
    scope=counted_in_files("backups and their schedules", _judged),
    of_files=check,
    targets=("cluster",),
    reads="Velero's Schedules and Backups beside the namespaces of all objects; where no object "
    "says its namespace, namespaces are not compared.",
)
