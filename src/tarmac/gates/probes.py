"""Probes: every server is asked whether it lives and is ready, at paths that it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import Pods, dig, running
from tarmac.launch import HttpProbe
from tarmac.model import conventions
from tarmac.plan.cluster import Workload
from tarmac.report import Finding

#: What every kit service answers before its own API; services/test_every_service.py asks each.
KIT_PATHS = (conventions.HEALTH_PATH, conventions.LIVE_PATH, conventions.READY_PATH)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield servers that nobody asks, and questions that nobody answers."""
    keeping = running(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is not None:
            yield from _of(subject, workload, own)


def _of(subject: Subject, workload: Workload, own: Pods) -> Iterator[Finding]:
    container: Any = next(iter(own.spec.get("containers") or ()), {})
    asked = {name: container.get(f"{name}Probe") for name in ("startup", "liveness", "readiness")}
    wanted = {"liveness": workload.live, "startup": workload.live}
    wanted["readiness"] = workload.ready or workload.live
    for name, probe in wanted.items():
        if probe is not None and not asked[name]:
            yield Finding(own.artifact.path, f"{workload.name} has no {name}Probe; add it")
    kit = subject.system.is_kit(workload.name)
    known = {p.path for p in (workload.live, workload.ready) if isinstance(p, HttpProbe)}
    known |= set(KIT_PATHS) if kit else set()
    for name, each in asked.items():
        path = dig(each, "httpGet", "path")
        if path is not None and str(path).partition("?")[0] not in known:
            yield Finding(
                own.artifact.path,
                f"{name}Probe of {workload.name} asks {path}, which it does not serve; "
                f"ask {' or '.join(sorted(known)) or 'its port'}",
            )
    if kit and dig(asked["liveness"], "httpGet", "path") == conventions.READY_PATH:
        yield Finding(
            own.artifact.path,
            f"livenessProbe of {workload.name} asks {conventions.READY_PATH}: while a store is "
            f"away all its pods would be restarted; ask {conventions.LIVE_PATH}",
        )
    for name, each in asked.items():
        if each and each.get("timeoutSeconds", 1) > each.get("periodSeconds", 10):
            yield Finding(
                own.artifact.path,
                f"{name}Probe of {workload.name} may take {each['timeoutSeconds']} s and is asked "
                f"every {each.get('periodSeconds', 10)} s; shorten the time-out",
            )


GATE = Gate(
    id="REL001",
    title="Every server has its three probes, on paths that it serves",
    phase="kubernetes",
    source="a probe on a path that answers 404 restarts a healthy service for ever",
    check=check,
    looks_at="startup, liveness and readiness probes. The paths of a kit service are the kit's "
    "health paths, for which a test asks every service; those of another are `probe` in the model."
    " Their numbers of periods are not judged.",
)
