"""Backups meet the promised recovery point: alone they lose the data since the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.backup_schedules import apart, backup_schedule
from tarmac.check.gates.views.objects.metadata import group_of, metadata
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

_RPO = re.compile(
    r"\bRPO\b[^\n\d]{0,25}?(?:<|<=|≤|:|=|of|under|within)\s*(\d+)\s*"
    r"(s|sec|seconds?|m|min|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_SCHEDULE = re.compile(
    r"\bvelero\b.*?\bschedule\s+create\b.*?--schedule[= ](?:\"([^\"]+)\"|'([^']+)'|(@\S+(?: \S+)?))"
)
#: What copies every change as it is made; its presence is what can be seen in files.
_REPLICATES = re.compile(
    r"aws_rds_global_cluster|\bglobal_cluster_identifier\b|\breplicate_source_db\b"
    r"|\breplication_source_identifier\b|aws_elasticache_global_replication_group"
    r"|aws_dynamodb_global_table|\b(?:wal-g|pgbackrest|barman)\b"
)


@dataclass(frozen=True)
class Backup:
    """A schedule of backups."""

    where: str
    schedule: str
    #: Seconds between two of them, at most.
    apart_s: float


def check(files: Files) -> Iterator[Finding]:
    """Yield backups that are further apart than the RPO, where nothing replicates."""
    promises = sorted(_promises(files))
    backups = sorted(_backups(files), key=lambda backup: backup.apart_s)
    if not promises or not backups or _replicated(files):
        return
    allowed, said, where = promises[0]
    if backups[0].apart_s > allowed:
        for backup in backups:
            yield Finding(
                backup.where,
                f"a backup every {_spoken(backup.apart_s)} ({backup.schedule}) loses up to "
                f"that much, but {said} is promised ({where}); replicate what is written "
                "(Aurora Global "
                "Database, a streaming replica, archived WAL), and keep backups against "
                "mistakes, which are replicated, too",
            )


def _promises(files: Files) -> Iterator[tuple[float, str, str]]:
    """Yield each recovery point that is written down: seconds, its words, its place."""
    for artifact in files.artifacts:
        if isinstance(artifact.content, str):
            for seconds, words, number in _written(artifact.content):
                yield seconds, words, f"{artifact.path}:{number}"
        for key, value in metadata(artifact).annotations.items():
            if said := _RPO.search(f"{str(key).rpartition('/')[2]}: {value}"):
                seconds = int(said[1]) * _UNITS[said[2][0].lower()]
                yield (
                    seconds,
                    f"RPO < {said[1]} {said[2]}",
                    artifact.at("metadata", "annotations", str(key)),
                )


@lru_cache(maxsize=4096)  # a file of text is part of each tree of a folder
def _written(text: str) -> tuple[tuple[float, str, int], ...]:
    """List the recovery points in a text: seconds, words, line."""
    return tuple(
        (int(found[1]) * _UNITS[found[2][0].lower()], f"RPO < {found[1]} {found[2]}", number)
        for number, line in enumerate(text.splitlines(), start=1)
        for found in _RPO.finditer(line)
    )


def _backups(files: Files) -> Iterator[Backup]:
    for command in commands(files):
        if found := _SCHEDULE.search(command.text):
            yield from _backup(command.where, found[1] or found[2] or found[3])
    for artifact in files.objects("Schedule"):
        if group_of(artifact) == "velero.io":
            yield from _backup(artifact.at("spec", "schedule"), backup_schedule(artifact))


def _backup(where: str, schedule: str) -> Iterator[Backup]:
    if between := apart(schedule):
        yield Backup(where, schedule, between)


def _replicated(files: Files) -> bool:
    return any(
        isinstance(artifact.content, str)
        and artifact.path.endswith((".tf", ".sh"))
        and _REPLICATES.search(artifact.content)
        for artifact in files.artifacts
    )


def _spoken(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _judged(files: Files) -> list[Backup]:
    """List the schedules of backups, where a recovery point is promised."""
    return list(_backups(files)) if any(True for _ in _promises(files)) else []


GATE = Gate(
    id="DRP001",
    title="Backups or replication meet the promised recovery point",
    phase="recovery",
    source=(
        "https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar: "
        "data written since the last backup is lost"
    ),
    check=check,
    scope=counted_in_files("backup schedules", _judged),
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="`RPO < ...` in texts, comments and annotations; Velero's schedules in scripts and "
    "objects; Terraform for what replicates. Whether a replica keeps up, only a drill can show.",
)
