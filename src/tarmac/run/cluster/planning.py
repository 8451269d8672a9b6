"""What a deployment would change in a cluster: its API server is asked, and keeps nothing of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tarmac.run.cluster import release as releases
from tarmac.run.cluster.kubectl import FIELD_OWNER, Kubectl, Object
from tarmac.run.cluster.objects import MANAGED, SYSTEM, ObjectId, differences
from tarmac.run.cluster.release import Record, Release
from tarmac.run.cluster.trials import with_revisions

#: What holds data, or others' objects: never deleted because it is no longer rendered.
KEPT = ("Namespace", "PersistentVolumeClaim", "CustomResourceDefinition")


@dataclass(frozen=True)
class Change:
    """An object that is new, or would be another one."""

    id: ObjectId
    #: A line for each field; none for a new object.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a deployment would do."""

    #: The objects of which the cluster has the kind; the others are left out.
    objects: tuple[Object, ...]
    left_out: tuple[ObjectId, ...]
    added: tuple[Change, ...]
    changed: tuple[Change, ...]
    #: Deployed earlier by Tarmac, and no longer rendered.
    gone: tuple[ObjectId, ...]
    record: Record
    #: Whether the server has judged all of it; it cannot before the namespace is there.
    tried: bool

    @property
    def unchanged(self) -> int:
        """How many objects stay as they are."""
        return len(self.objects) - len(self.added) - len(self.changed)


def plan(kubectl: Kubectl, release: Release) -> Plan:
    """Compare a release with what is in the cluster.

    The server completes and judges each object as it would when it is applied, once the namespace
    is there.

    Raises:
        Refusal: the server would not take one of them; nothing was changed.
    """
    kinds = kubectl.kinds()
    objects: list[Object] = []
    left_out: list[Object] = []
    for found in release.objects:
        known = (found["apiVersion"], found["kind"]) in kinds
        (objects if known else left_out).append(found)
    live = {ObjectId.of(found).key: found for found in kubectl.live(objects)}
    tried = _has_namespace(kubectl, release)
    asked = with_revisions(objects, live.values())
    completed = kubectl.apply(asked, dry=True) if tried else asked
    added, changed = [], []
    for found in completed:
        now = ObjectId.of(found)
        if now.key not in live:
            added.append(Change(now))
        elif fields := differences(live[now.key], found):
            changed.append(Change(now, tuple(fields)))
    record = releases.read(kubectl, release)
    rendered = {found.key for found in releases.ids(release.objects)}
    maybe = [
        found
        for found in record.there
        if found.key not in rendered and found.kind not in KEPT and (found.api, found.kind) in kinds
    ]
    return Plan(
        tuple(objects),
        releases.ids(left_out),
        tuple(added),
        tuple(changed),
        tuple(_still_ours(kubectl, release, maybe)),
        record,
        tried,
    )


def _has_namespace(kubectl: Kubectl, release: Release) -> bool:
    namespace = ObjectId("Namespace", release.namespace, "", "v1")
    return bool(kubectl.live([namespace.bare]))


def _still_ours(kubectl: Kubectl, release: Release, ids: list[ObjectId]) -> Iterable[ObjectId]:
    """List those that are there, and that are still labelled as this system's."""
    ours = {MANAGED: FIELD_OWNER, SYSTEM: release.system}
    for found in kubectl.live([listed.bare for listed in ids]) if ids else ():
        if ours.items() <= found["metadata"].get("labels", {}).items():
            yield ObjectId.of(found)
