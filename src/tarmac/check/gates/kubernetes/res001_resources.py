"""Resources: every container has requests and limits."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.containers import Container
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.objects.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.model.value import amount

WANTED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield containers without requests or limits, or with requests above the limits."""
    for own in pods(subject):
        for container in own.containers:
            which = f"container {container.name} of {own.kind} {own.name}"
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
            which = f"container {container.name} of {own.kind} {own.name}"
            if not given & {"", space_of(own.artifact)}:
                for kind, name in WANTED:
                    if container.amount(kind, name) is None:
                        what = f"{which} has no {kind}.{name}; write it under `resources`"
                        yield Finding(container.at("resources"), what, warning=True)
            for what in _wrong(container):
                yield Finding(container.at("resources"), f"{which}: {what}")


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


def gives_defaults(limits: Artifact) -> bool:
    """Tell whether a LimitRange gives containers what they do not say themselves."""
    return any(
        fields(limit, "default") and fields(limit, "defaultRequest")
        for limit in items(limits.data, "spec", "limits")
    )


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
    "is a warning.",
)
