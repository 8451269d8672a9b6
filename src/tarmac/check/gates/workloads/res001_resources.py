"""Resources: every container has requests and limits, within those of its namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.amounts import gives_defaults
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: So many containers that write an amount make one without it an exception.
_MANY = 4
WANTED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


class Bounds(NamedTuple):
    """What a LimitRange takes of each thing of one type."""

    artifact: Artifact
    data: Fields


def check(subject: Subject) -> Iterator[Finding]:
    """Yield containers without requests or limits, or with requests above the limits."""
    for own in pods(subject):
        for container in own.containers:
            which = f"{container.title} of {own.kind} {own.name}"
            for kind, name in WANTED:
                if container.amount(kind, name) is None:
                    yield Finding(
                        own.artifact.path,
                        f"{which} has no {kind}.{name}; set `resources` of the environment",
                    )
            for what in _wrong(container):
                yield Finding(own.artifact.path, f"{which}: {what}")


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files; what is missing is a warning, unless a LimitRange gives it."""
    given = {space_of(limits) for limits in files.objects("LimitRange") if gives_defaults(limits)}
    for own in pods(files):
        for container in own.containers:
            which = f"{container.title} of {own.kind} {own.name}"
            if not given & {"", space_of(own.artifact)}:
                for kind, name in WANTED:
                    if container.amount(kind, name) is None:
                        what = f"{which} has no {kind}.{name}; write it under `resources`"
                        yield Finding(container.at("resources"), what, warning=True)
            for what in _wrong(container):
                yield Finding(container.at("resources"), f"{which}: {what}")
    yield from _forgotten(files, given)
    yield from _refused(files)


def _forgotten(files: Files, given: set[str]) -> Iterator[Finding]:
    """Yield amounts that a LimitRange gives, and nearly all other containers write themselves."""
    every = [
        (own, container, space_of(own.artifact))
        for own in pods(files)
        for container in own.containers
        if space_of(own.artifact) in given
    ]
    for wanted in WANTED:
        written = Counter(space for _, one, space in every if one.amount(*wanted) is not None)
        lacking = Counter(space for _, one, space in every if one.amount(*wanted) is None)
        for own, container, space in every:
            if container.amount(*wanted) is None and written[space] >= _MANY * lacking[space]:
                name = ".".join(wanted)
                what = f"{container.title} of {own.kind} {own.name} has no {name}, which the others"
                said = f"{what} here write, so it has that of the LimitRange; write it, too"
                yield Finding(container.at("resources"), said, warning=True)


def _refused(files: Files) -> Iterator[Finding]:
    """Yield what a LimitRange of the same namespace refuses."""
    taken: dict[tuple[object, ...], list[Bounds]] = {}
    for artifact in files.objects("LimitRange"):
        for limit in items(artifact.data, "spec", "limits"):
            key = (str(dig(limit, "type")), *_place(artifact))
            taken.setdefault(key, []).append(Bounds(artifact, fields(limit)))
    for own in pods(files) if taken else ():
        for bounds in taken.get(("Container", *_place(own.artifact)), ()):
            for container in own.containers:
                which = f"{container.title} of {title(own.artifact)}"
                for what in _outside(bounds, container.data):
                    yield Finding(
                        container.at("resources"),
                        f"{which}: {what}: no pod starts; correct one of both",
                    )
        for bounds in taken.get(("Pod", *_place(own.artifact)), ()):
            for what in _together(bounds, own):
                where = own.at("containers")
                yield Finding(
                    where, f"{title(own.artifact)}: {what}: no pod starts; correct one of both"
                )
    for claim in files.objects("PersistentVolumeClaim") if taken else ():
        for bounds in taken.get(("PersistentVolumeClaim", *_place(claim)), ()):
            for what in _outside(bounds, fields(claim.data, "spec")):
                where = claim.at("spec", "resources")
                yield Finding(where, f"{title(claim)}: {what}: it is refused; correct one of both")


def _place(artifact: Artifact) -> tuple[str, str]:
    """Read the namespace of an object; the folder beside it only where it names none."""
    space, folder = place_of(artifact)
    return space, "" if space else folder


def _outside(bounds: Bounds, data: Fields) -> Iterator[str]:
    """Yield each amount below the least or above the most that is taken."""
    name = title(bounds.artifact)
    for kind in ("requests", "limits"):
        for resource, written in fields(data, "resources", kind).items():
            asked = _amount(written)
            least, most = (_amount(dig(bounds.data, key, resource)) for key in ("min", "max"))
            said = f"its {kind}.{resource}, {written}, is"
            if asked is not None and least is not None and asked < least:
                yield f"{said} less than {dig(bounds.data, 'min', resource)}, the min of {name}"
            if asked is not None and most is not None and asked > most:
                yield f"{said} more than {dig(bounds.data, 'max', resource)}, the max of {name}"
    for resource, written in fields(bounds.data, "maxLimitRequestRatio").items():
        path: tuple[Path, ...] = (("limits", resource), ("requests", resource))
        limit, request = (_amount(dig(data, "resources", *one)) for one in path)
        most = _amount(written)
        if limit and request and most and limit > most * request:
            yield f"its limit of {resource} is more than {written} times its request, by {name}"


def _together(bounds: Bounds, own: Pods) -> Iterator[str]:
    for kind in ("requests", "limits"):
        for resource, written in fields(bounds.data, "max").items():
            amounts = [
                _amount(dig(one.data, "resources", kind, resource)) for one in own.main_containers
            ]
            most = _amount(written)
            if most is not None and sum(one for one in amounts if one is not None) > most:
                what = f"its containers have more {kind}.{resource} together than {written}"
                yield f"{what}, the max of {title(bounds.artifact)}"


def _amount(written: Any) -> float | None:
    with suppress(ValueError, TypeError):
        return None if written is None else float(amount(written))
    return None


def _wrong(container: Container) -> Iterator[str]:
    for name in ("cpu", "memory"):
        try:
            asked, most = (
                None if (it := container.amount(kind, name)) is None else amount(it)
                for kind in ("requests", "limits")
            )
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if asked is not None and most is not None and asked > most:
            yield f"requests more {name} than its limit; lower the request"
        if name == "memory" and most is not None and most < 1024**2:
            yield f"has a memory limit of {most} bytes; add the missing unit, e.g. 512Mi"


def _containers(subject: Files) -> list[object]:
    return [container for own in pods(subject) for container in own.containers]


GATE = Gate(
    id="RES001",
    title="Every container has consistent requests and limits",
    phase="kubernetes",
    source="without a request a pod is placed anywhere and is the first to be evicted; without a "
    "memory limit it takes down its neighbours",
    check=check,
    of_files=of_files,
    scope=counted_in_files("containers", _containers),
    reads="`resources` of all containers, those that begin a pod among them. A CPU limit is not "
    "required: it slows a service on an idle node. Of files without a plan, what is missing "
    "is a warning; where a LimitRange of the same namespace gives it, only if nearly all write it.",
)
