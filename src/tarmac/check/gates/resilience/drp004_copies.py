"""Copies are whole, and outlive what they are copies of for as long as is promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items, string
from tarmac.base.report import Finding
from tarmac.base.written import seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks

#: What writes a copy of a database.
_DUMP = re.compile(
    r"\b(pg_dump|pg_dumpall|pg_basebackup|mysqldump|mariadb-dump|mongodump|xtrabackup|mariabackup"
    r"|etcdctl snapshot save|influxd? backup|redis-cli [^|;]*--rdb)\b"
)
_PIPED = re.compile(_DUMP.pattern + r"[^|;&]*\|(?!\|)")
_TARGET = re.compile(
    r"(?:(?<![\w-])-[fo]\s*|--(?:file|out|output|result-file|archive|target-dir|pgdata|rdb)[= ]"
    r"|(?<!2)>\s*|snapshot save\s+)[\"']?(/[\w./${}()+%-]*)"
)
#: What takes a copy elsewhere.
_SENT = re.compile(
    r"\b(aws|s3|s3cmd|s5cmd|gsutil|gcloud|rclone|mc|restic|kopia|borg|az|azcopy|rsync|scp|sftp|curl"
    r"|swift|ossutil|b2|velero|kubectl cp|wal-g|pgbackrest|oci|upload|minio)\b|s3://|gs://"
)
_DAYS = re.compile(r"^[ \t]*days\s*=\s*(\d+)\s*$")
_BUCKET = re.compile(r'^[ \t]*bucket\s*=\s*(?:"([^"$]+)"|(aws_s3_bucket\.\w+)\.\w+)')
_KEPT = re.compile(r"(\d+)([dwm])")
_UNITS = {"d": 1, "w": 7, "m": 30}
_DAY_S = 86400


class Promise(NamedTuple):
    """For how many days copies in a bucket are kept by what makes them."""

    maker: str
    bucket: str
    days: float
    said: str


def check(files: Files) -> Iterator[Finding]:
    """Yield copies that end with their pod, that are cut off unseen, or are deleted too early."""
    for own in pods(files, "CronJob", "Job"):
        yield from _lost(own)
        for container in own.containers:
            text = "\n".join(container.words)
            if _PIPED.search(text) and "pipefail" not in text:
                what = f"{title(own.artifact)} sends a copy through a pipe, which ends as its last"
                yield Finding(container.at(_key(container)), f"{what} program: {_WHOLE}")
    yield from _scripts(files)
    yield from _forgotten(files)


_WHOLE = "a failed copy is an empty one and a success; begin with `set -o pipefail`"


def _key(container: Container) -> str:
    found = [key for key in ("args", "command") if _DUMP.search(str(container.data.get(key)))]
    return found[0] if found else "command"


def _lost(own: Pods) -> Iterator[Finding]:
    """Yield copies into a folder that is only there as long as the pod is."""
    every = "\n".join(f"{one.image_name} {' '.join(one.words)}" for one in own.containers)
    # By a program that is not seen it may be sent.
    if not _DUMP.search(every) or _SENT.search(every) or any(not c.words for c in own.containers):
        return
    volumes = {volume.name: volume for volume in own.spec.volumes}
    for container in own.containers:
        text = " ".join(container.words)
        target = _TARGET.search(text) if _DUMP.search(text) else None
        if target is None or target[1].startswith(("/dev/", "/proc/")):
            continue
        above = [m for m in container.mounts if _is_below(target[1], m.path)]
        mount = max(above, key=lambda one: len(one.path), default=None)
        volume = volumes.get(mount.volume) if mount is not None else None
        if mount is not None and (volume is None or "emptyDir" not in volume.kinds):
            continue
        place = "an emptyDir" if mount is not None else "the container's own folder"
        folder = mount.path if mount is not None else target[1].partition("$")[0]
        what = f"{title(own.artifact)} writes its copy to {folder}, {place}, which ends with"
        where = container.at(_key(container))
        yield Finding(where, f"{what} the pod; write it to a claim, or send it to a bucket")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _scripts(files: Files) -> Iterator[Finding]:
    safe = {
        one.path
        for one in files.artifacts
        if isinstance(one.content, str)
        and ("pipefail" in one.content or "PIPESTATUS" in one.content)
    }
    for command in commands(files):
        path = command.where.rpartition(":")[0]
        if path.endswith((".sh", ".bash")) and path not in safe and _PIPED.search(command.text):
            what = "sends a copy through a pipe, which ends as its last program"
            yield Finding(command.where, f"{what}: {_WHOLE}")


def _forgotten(files: Files) -> Iterator[Finding]:
    """Yield buckets that delete copies before they are to be deleted."""
    promises = list(_promises(files))
    if not promises:
        return
    found = list(blocks(files))
    names = {
        f"aws_s3_bucket.{one.names[2]}": name
        for one in found
        if one.names[1:2] == ("aws_s3_bucket",) and (name := _bucket(one))
    }
    for block in found:
        if block.names[1:2] != ("aws_s3_bucket_lifecycle_configuration",):
            continue
        bucket = names.get(_bucket(block), _bucket(block))
        for line, days in _expirations(block):
            for one in promises:
                if one.bucket == bucket and days < one.days:
                    what = f"{bucket} deletes what is {days} days old, and {one.maker} keeps copies"
                    where = f"{block.file}:{line}"
                    yield Finding(where, f"{what} for {one.said}; raise it above that")


def _bucket(block: TerraformBlock) -> str:
    found = (_BUCKET.match(line) for _, line in block.lines)
    return next((one[1] or one[2] for one in found if one), "")


def _expirations(block: TerraformBlock) -> Iterator[tuple[int, int]]:
    """Yield the days after which current objects are deleted, where it is of all of them."""
    if any(re.search(r'\bprefix\s*=\s*"[^"]|\btags?\b', line) for _, line in block.lines):
        return
    inside = ""
    for number, line in block.lines:
        if opening := re.match(r"\s*(\w+)\s*\{", line):
            inside = opening[1]
        if inside == "expiration" and (days := _DAYS.match(line)):
            yield number, int(days[1])


def _promises(files: Files) -> Iterator[Promise]:
    for artifact in files.objects("Cluster", "ObjectStore"):
        store = dig(artifact.data, "spec", "backup", "barmanObjectStore")
        store = store or dig(artifact.data, "spec", "configuration")
        said = string(artifact.data, "spec", "backup", "retentionPolicy")
        said = said or string(artifact.data, "spec", "retentionPolicy")
        kept = _KEPT.fullmatch(said)
        path = string(store, "destinationPath").partition("://")[2]
        if kept and path:
            days = int(kept[1]) * _UNITS[kept[2]]
            yield Promise(title(artifact), path.partition("/")[0], days, said)
    buckets = {
        string(one.data, "spec", "objectStorage", "bucket")
        for one in files.objects("BackupStorageLocation")
    }
    for artifact in files.objects("Schedule") if len(buckets) == 1 else ():
        said = string(artifact.data, "spec", "template", "ttl")
        if said and items(artifact.data, "spec", "template", "storageLocation") == ():
            yield Promise(title(artifact), next(iter(buckets)), seconds(said) / _DAY_S, said)


def _judged(files: Files) -> Iterator[object]:
    for own in pods(files, "CronJob", "Job"):
        yield from (c for c in own.containers if _DUMP.search("\n".join(c.words)))
    yield from (one for one in commands(files) if _DUMP.search(one.text))
    yield from _promises(files)


GATE = Gate(
    id="DRP004",
    title="Copies are whole, and kept where and as long as they are needed",
    phase="recovery",
    source="https://www.gnu.org/software/bash/manual/html_node/Pipelines.html: a pipeline ends as "
    "its last command; an emptyDir ends with its pod, and a bucket's rule knows nothing of backups",
    check=check,
    of_files=check,
    scope=counted_in_files("copies", _judged),
    targets=(),
    reads="commands of jobs and scripts with a program that writes a copy of a database, where "
    "none sends it elsewhere; retentions of CloudNativePG and Velero beside expirations of their "
    "bucket in Terraform. Judges files without a plan only.",
)
