"""Resources: every container says what it needs and the most that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import amount, dig, pods
from tarmac.report import Finding

WANTED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield containers without requests or limits, or with more asked than allowed."""
    for own in pods(subject):
        for container in own.containers:
            which = f"container {container.get('name')} of {own.kind} {own.name}"
            for kind, name in WANTED:
                if dig(container, "resources", kind, name) is None:
                    yield Finding(
                        own.artifact.path,
                        f"{which} has no {kind}.{name}; set `resources` of the environment",
                    )
            for what in _wrong(container):
                yield Finding(own.artifact.path, f"{which}: {what}")


def _wrong(container: Any) -> Iterator[str]:
    for name in ("cpu", "memory"):
        try:
            asked, most = (
                None if (it := dig(container, "resources", kind, name)) is None else amount(it)
                for kind in ("requests", "limits")
            )
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if asked is not None and most is not None and asked > most:
            yield f"requests more {name} than its limit; lower the request"
        if name == "memory" and most is not None and most < 1024**2:
            yield f"may take {most} bytes of memory; a unit is missing, e.g. 512Mi"


GATE = Gate(
    id="RES001",
    title="Every container has requests and limits that fit each other",
    phase="kubernetes",
    source="without a request a pod is placed anywhere and is the first to be evicted; without a "
    "limit on memory it takes its neighbours with it",
    check=check,
    looks_at="`resources` of all containers, those that begin a pod among them. A limit on cpu is "
    "not asked for: it slows a service on an idle node.",
)
