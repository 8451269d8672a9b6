"""How what is in a cluster differs from what is rendered: only read, in one request for each kind.

Used by `tarmac drift`. What Tarmac renders is compared field by field; what others have added to an
object (a server's defaults, a status, an annotation of a controller) is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.run.cluster.kubectl import FIELD_OWNER, Kubectl, Object
from tarmac.run.cluster.objects import COMPONENT, MANAGED, SYSTEM, ObjectId
from tarmac.run.cluster.planning import KEPT, Change
from tarmac.run.cluster.quantity import same_quantity
from tarmac.run.cluster.release import Release, ids, read
from tarmac.run.fields import short

#: Made by a script or by another controller, under our labels: not rendered, and no orphans.
_MADE_THERE = (*KEPT, "Secret")
#: A server leaves these out where they are what it would take anyway.
_NOTHING: tuple[object, ...] = (None, "", 0, False, {}, [])


@dataclass(frozen=True)
class Drift:
    """What became of a release since it was deployed."""

    #: How many objects were compared.
    compared: int
    missing: tuple[ObjectId, ...]
    #: A line for each field: what is there -> what is rendered.
    changed: tuple[Change, ...]
    #: There, under Tarmac's labels, and not rendered.
    extra: tuple[ObjectId, ...]
    #: Of kinds that the cluster does not have.
    left_out: tuple[ObjectId, ...]

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return bool(self.missing or self.changed or self.extra)


def drift(kubectl: Kubectl, release: Release) -> Drift:
    """Compare a cluster with a release. Raises Refusal."""
    kinds = kubectl.kinds()
    objects = [found for found in release.objects if (found["apiVersion"], found["kind"]) in kinds]
    left_out = [found for found in release.objects if found not in objects]
    deployed = [found for found in read(kubectl, release).there if (found.api, found.kind) in kinds]
    asked = [*map(ObjectId.of, objects), *deployed]
    live = {ObjectId.of(found).key: found for found in _listed(kubectl, release, asked)}
    missing, changed = [], []
    for wanted in objects:
        now = ObjectId.of(wanted)
        found = live.pop(now.key, None)
        if found is None:
            missing.append(now)
        elif fields := tuple(differing(found, wanted)):
            changed.append(Change(now, fields))
    extra = [ObjectId.of(found) for found in live.values() if _is_orphan(found)]
    return Drift(len(objects), tuple(missing), tuple(changed), tuple(sorted(extra)), ids(left_out))


def _listed(
    kubectl: Kubectl, release: Release, asked: Iterable[ObjectId]
) -> Iterator[dict[str, Any]]:
    """List what a system has of the kinds of some objects: one call for each namespace."""
    places: dict[str, dict[str, None]] = {}
    for one in asked:
        group, _, version = one.api.rpartition("/")
        name = f"{one.kind.lower()}.{version}.{group}"
        places.setdefault(one.namespace or release.namespace, {})[name] = None
    labelled = f"--selector={SYSTEM}={release.system}"
    for namespace, resources in places.items():
        yield from kubectl.read(
            "get", ",".join(resources), f"--namespace={namespace}", labelled, "--ignore-not-found"
        )


def _is_orphan(found: Object) -> bool:
    labels = found["metadata"].get("labels", {})
    ours = labels.get(MANAGED) == FIELD_OWNER and labels.get(COMPONENT) != "release"
    owned = "ownerReferences" in found["metadata"]
    return ours and not owned and found["kind"] not in _MADE_THERE


def differing(live: Object, wanted: Object) -> Iterator[str]:
    """Yield how an object there differs in what is rendered of it, a line for each field.

    What a Secret holds is not shown.
    """
    rendered = {key: value for key, value in wanted.items() if key != "status"}
    yield from _differ(live, rendered, "", secret=wanted["kind"] == "Secret")


def _differ(live: Any, wanted: Any, where: str, *, secret: bool) -> Iterator[str]:
    if live == wanted or (live is None and wanted in _NOTHING):
        return
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            part = f"{where}.{key}" if where else key
            yield from _differ(live.get(key), value, part, secret=secret)
    elif isinstance(wanted, list) and isinstance(live, list):
        yield from _differ_in_items(live, wanted, where, secret=secret)
    elif same_quantity(live, wanted):
        return
    elif secret and where.startswith(("data", "stringData")):
        yield f"{where}: another value"
    else:
        yield f"{where}: {short(live)} -> {short(wanted)}"


def _differ_in_items(
    live: list[Any], wanted: list[Any], where: str, *, secret: bool
) -> Iterator[str]:
    """Compare lists: by the items' names where they have them, else by their places."""
    there, rendered = _by_name(live), _by_name(wanted)
    for name in dict.fromkeys((*rendered, *there)):
        part = f"{where}[{name}]"
        if name not in rendered:
            yield f"{part}: {short(there[name])} -> nothing"
        elif name not in there:
            yield f"{part}: nothing -> {short(rendered[name])}"
        else:
            yield from _differ(there[name], rendered[name], part, secret=secret)


def _by_name(items: Iterable[Any]) -> dict[str, Any]:
    return {
        str(item["name"]) if isinstance(item, Mapping) and "name" in item else str(number): item
        for number, item in enumerate(items)
    }
