"""Copies are as fresh as is promised: backups alone lose what came since the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._schedules import UNITS, apart
from tarmac.gates._scripts import commands
from tarmac.report import Finding

_RPO = re.compile(
    r"\bRPO\b[^\n\d]{0,25}?(?:<|<=|≤|:|=|of|under|within)\s*(\d+)\s*"
    r"(s|sec|seconds?|m|min|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
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
    """A schedule of copies."""

    where: str
    schedule: str
    #: Seconds between two of them, at most.
    apart_s: float


def check(files: Files) -> Iterator[Finding]:
    """Yield backups that are further apart than the promise, where nothing else copies."""
    promises = sorted(_promises(files))
    backups = sorted(_backups(files), key=lambda each: each.apart_s)
    if not promises or not backups or _replicated(files):
        return
    allowed, said, where = promises[0]
    if backups[0].apart_s > allowed:
        for each in backups:
            yield Finding(
                each.where,
                f"a backup every {_spoken(each.apart_s)} ({each.schedule}) loses that much, and "
                f"{said} is promised ({where}); replicate what is written (Aurora Global Database, "
                "a streaming replica, archived WAL), and keep backups against mistakes, which are "
                "replicated, too",
            )


def _promises(files: Files) -> Iterator[tuple[float, str, str]]:
    """Yield each recovery point that is written down: seconds, its words, its place."""
    for artifact in files.artifacts:
        if isinstance(artifact.content, str):
            for number, line in enumerate(artifact.content.splitlines(), start=1):
                for found in _RPO.finditer(line):
                    seconds = int(found[1]) * UNITS[found[2][0].lower()]
                    yield seconds, f"RPO < {found[1]} {found[2]}", f"{artifact.path}:{number}"
        for key, value in (dig(artifact.data, "metadata", "annotations") or {}).items():
            if said := _RPO.search(f"{str(key).rpartition('/')[2]}: {value}"):
                seconds = int(said[1]) * UNITS[said[2][0].lower()]
                yield (
                    seconds,
                    f"RPO < {said[1]} {said[2]}",
                    artifact.at("metadata", "annotations", str(key)),
                )


def _backups(files: Files) -> Iterator[Backup]:
    for command in commands(files):
        if found := _SCHEDULE.search(command.text):
            yield from _backup(command.where, found[1] or found[2] or found[3])
    for artifact in files.objects("Schedule"):
        if str(artifact.data["apiVersion"]).startswith("velero.io/"):
            written = str(dig(artifact.data, "spec", "schedule") or "")
            yield from _backup(artifact.at("spec", "schedule"), written)


def _backup(where: str, schedule: str) -> Iterator[Backup]:
    if between := apart(schedule):
        yield Backup(where, schedule, between)


def _replicated(files: Files) -> bool:
    return any(
        isinstance(each.content, str)
        and each.path.endswith((".tf", ".sh"))
        and _REPLICATES.search(each.content)
        for each in files.artifacts
    )


def _spoken(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


GATE = Gate(
    id="DRP001",
    title="What is copied is as fresh as the recovery point that is promised",
    phase="recovery",
    source="https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar: the interval of "
    "backups is the least that is lost",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="`RPO < ...` in texts, comments and annotations; Velero's schedules in scripts and "
    "objects; Terraform for what replicates. That a replica keeps up only a drill can show.",
)
