"""Grace: a pod that is told to go has the time that its farewell takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, running
from tarmac.launch import redact
from tarmac.model import conventions
from tarmac.plan.cluster import Workload
from tarmac.plan.deploy import FINISH_S
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield pods that are killed before they can have finished."""
    keeping, waited = running(subject), _longest(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is None:
            continue
        container: Any = next(iter(own.spec.get("containers") or ()), {})
        grace = own.spec.get("terminationGracePeriodSeconds", 30)
        pause = _pause(dig(container, "lifecycle", "preStop") or {})
        kit = subject.system.is_kit(workload.name)
        drain = _seconds(workload, conventions.DRAIN_DELAY_S, 0.0) if kit else 0.0
        finish = _seconds(workload, "SHUTDOWN_GRACE_S", FINISH_S) if kit else 0.0
        longest = waited.get(workload.name, 0.0)
        needed = pause + drain + max(finish, longest)
        if grace <= needed:
            yield Finding(
                own.artifact.path,
                f"{workload.name} is killed after {grace:g} s, and needs more than {needed:g} "
                f"(preStop {pause:g}, drain {drain:g}, requests in flight "
                f"{max(finish, longest):g}); raise terminationGracePeriodSeconds",
            )
        if workload.role == "service" and workload.ports and workload.scale.most > 1 and not pause:
            yield Finding(
                own.artifact.path,
                f"{workload.name} is told to stop at once (no preStop): nodes that do not know yet "
                "send it requests; let it sleep for some seconds",
            )


def _pause(hook: Any) -> float:
    if (slept := dig(hook, "sleep", "seconds")) is not None:
        return float(slept)
    written = " ".join(map(str, dig(hook, "exec", "command") or ()))
    found = re.search(r"\bsleep (\d+(?:\.\d+)?)", written)
    return float(found[1]) if found else 0.0


def _seconds(workload: Workload, name: str, otherwise: float) -> float:
    given = workload.env.get(name)
    return float(redact(given.value)) if given else otherwise


def _longest(subject: Subject) -> dict[str, float]:
    """Find the longest that any caller waits for an answer of each service."""
    found: dict[str, float] = {}
    for spec in subject.system.file.services.values():
        for target, call in spec.calls.items():
            found[target] = max(call.timeout, found.get(target, 0.0))
    return found


GATE = Gate(
    id="REL002",
    title="The grace period is longer than pause, drain and requests in flight",
    phase="kubernetes",
    source="what is killed before it has finished is an error for a customer in every rollout",
    check=check,
    looks_at="terminationGracePeriodSeconds, preStop, DRAIN_DELAY_S, SHUTDOWN_GRACE_S and the "
    "longest time-out of a caller.",
)
