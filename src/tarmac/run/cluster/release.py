"""What is deployed, and the record of it that stays in the cluster: a ConfigMap in its namespace.

The record says what Tarmac has put there, so that it deletes nothing else, and holds the objects
of the last release that became ready, to go back to. Secrets' values are in no rendered object.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tarmac.run.cluster.kubectl import FIELD_OWNER, Kubectl, Object
from tarmac.run.cluster.objects import COMPONENT, MANAGED, SYSTEM, ObjectId


@dataclass(frozen=True)
class Release:
    """A rendered environment."""

    system: str
    environment: str
    namespace: str
    objects: tuple[Object, ...]
    #: A script that makes Secrets in the namespace; empty where something else does.
    secrets: str = ""


@dataclass(frozen=True)
class Record:
    """What a cluster remembers of a system's deployments."""

    #: All that was put there and not deleted again.
    there: tuple[ObjectId, ...] = ()
    #: The last release that became ready.
    ready: tuple[Object, ...] = ()


def name_of(release: Release) -> str:
    """Name the record of a system."""
    return f"tarmac-release-{release.system}"


def read(kubectl: Kubectl, release: Release) -> Record:
    """Read the record; an empty one where nothing was deployed yet. Raises Refusal."""
    found = kubectl.live([_object(release, {})])
    if not found:
        return Record()
    held = found[0].get("binaryData", {})
    there = [ObjectId(*listed) for listed in _unpacked(held.get("there"))]
    return Record(tuple(there), tuple(_unpacked(held.get("ready"))))


def write(kubectl: Kubectl, release: Release, record: Record) -> None:
    """Replace the record. Raises Refusal."""
    there = [[i.kind, i.name, i.namespace, i.api] for i in sorted(set(record.there))]
    held = {"there": _packed(there), "ready": _packed(record.ready)}
    kubectl.apply([_object(release, {"binaryData": held})])


def _object(release: Release, content: dict[str, Any]) -> Object:
    labels = {SYSTEM: release.system, MANAGED: FIELD_OWNER, COMPONENT: "release"}
    metadata = {"name": name_of(release), "namespace": release.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **content}


def _packed(listed: Sequence[Any]) -> str:
    text = json.dumps(listed).encode()
    return base64.b64encode(gzip.compress(text, mtime=0)).decode()


def _unpacked(text: str | None) -> list[Any]:
    found: list[Any] = json.loads(gzip.decompress(base64.b64decode(text))) if text else []
    return found


def ids(objects: Iterable[Object]) -> tuple[ObjectId, ...]:
    """List which objects some are."""
    return tuple(map(ObjectId.of, objects))
