"""What a pod must find in its namespace to start: keys of ConfigMaps and Secrets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from tarmac.gates.views.objects.pods import Pods


class PodReference(NamedTuple):
    """A ConfigMap or Secret, or one key of it."""

    kind: str
    name: str
    #: Empty: all of it.
    key: str


def references(own: Pods) -> Iterator[PodReference]:
    """Yield what the variables and volumes of a pod refer to and must find."""
    for container in own.containers:
        parts = (*(e.sources for e in container.sources), *(e.sources for e in container.variables))
        for source in chain.from_iterable(parts):
            if not source.optional:
                yield PodReference(source.kind, source.name, source.key)
    mounts = [mount for container in own.containers for mount in container.mounts]
    for volume in own.spec.volumes:
        paths = [mount.sub_path for mount in mounts if mount.volume == volume.name]
        for volume_source in volume.sources:
            if not volume_source.optional:
                keys = [file.key for file in volume_source.files] or paths or [""]
                yield from (
                    PodReference(volume_source.kind, volume_source.name, key) for key in keys
                )
