"""Grace period: it is as long as a pod's termination takes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.pods import running
from tarmac.check.gates.views.scope import counted, running_workloads


def check(subject: Subject) -> Iterator[Finding]:
    """Yield pods that are killed before they can have finished."""
    keeping, waited = running(subject), _longest(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is None:
            continue
        container, grace = next(iter(own.main_containers), None), own.spec.grace_s
        pause = container.stop_delay_s if container else 0.0
        drain, finish = workload.timing.drain_s, workload.timing.finish_s
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
                f"{workload.name} has no preStop hook: requests are still routed to it during "
                "termination; add `preStop: sleep` of 5 s or more",
            )


def _longest(subject: Subject) -> dict[str, float]:
    """Find the longest that any caller waits for an answer of each service."""
    found: dict[str, float] = {}
    for call in subject.plan.calls:
        found[call.callee] = max(call.timeout_s, found.get(call.callee, 0.0))
    return found


GATE = Gate(
    id="REL002",
    title="The grace period exceeds preStop, drain and requests in flight",
    phase="kubernetes",
    source="a pod killed before it has drained causes errors in every rollout",
    check=check,
    scope=counted("workloads", running_workloads),
    reads="terminationGracePeriodSeconds, preStop, DRAIN_DELAY_S, SHUTDOWN_GRACE_S and the "
    "longest timeout of a caller.",
)
