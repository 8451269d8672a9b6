"""What a pod keeps in memory as files fits into its containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files


class MemoryVolume(NamedTuple):
    """A volume in memory, and what the containers that mount it may use."""

    where: str
    whose: str
    size: str
    limits: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield volumes in memory that are as large as the containers that fill them."""
    for one in _volumes(files):
        if one.limits and _bytes(one.size) >= max(map(_bytes, one.limits)) > 0:
            what = f"{one.whose} keeps up to {one.size} in memory, which counts for the container"
            advice = f"that writes it, and that may use {one.limits[0]}: it is killed before"
            yield Finding(one.where, f"{what} {advice}; lower sizeLimit, or raise the limit")


def _bytes(written: str) -> float:
    try:
        return float(amount(written))
    except ValueError:
        return 0


@once
def _volumes(files: Files) -> Iterator[MemoryVolume]:
    for own in pods(files):
        for number, volume in enumerate(items(own.spec.data, "volumes")):
            kept = fields(volume, "emptyDir")
            size = kept.get("sizeLimit")
            if kept.get("medium") != "Memory" or size is None:
                continue
            limits = [
                container.amount("limits", "memory")
                for container in own.containers
                if any(mount.volume == string(volume, "name") for mount in container.mounts)
            ]
            told = tuple(str(one) for one in limits if one is not None)
            if len(told) == len(limits):
                where = own.at("volumes", number, "emptyDir", "sizeLimit")
                whose = f"{title(own.artifact)}: volume {string(volume, 'name')}"
                yield MemoryVolume(where, whose, str(size), told)


GATE = Gate(
    id="RES004",
    title="What a pod keeps in memory as files fits into its containers",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir: files in memory count "
    "against the memory limit of the container that wrote them",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("volumes in memory with a size", _volumes),
    reads="emptyDir with `medium: Memory` and a sizeLimit beside the limits of the containers that "
    "mount it.",
)
