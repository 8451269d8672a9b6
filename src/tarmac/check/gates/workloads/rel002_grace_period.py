"""Grace period: it is as long as a pod's termination takes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.selections import chosen, selections
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted_in_files, running_workloads


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


def of_files(files: Files) -> Iterator[Finding]:
    """Yield pods that are to be replaced without a gap, and end while requests still come."""
    for own in _gapless(files):
        if all(dig(one.data, "lifecycle", "preStop") is None for one in own.main_containers):
            what = f"{own.kind} {own.name} is replaced without a gap (maxUnavailable: 0), and its"
            said = f"{what} pods have no preStop hook: requests still come while they end"
            where = own.main_containers[0].at()
            yield Finding(where, f"{said}; add `preStop: sleep` of 5 s or more", warning=True)


def _gapless(files: Files) -> Iterator[Pods]:
    """Yield the Deployments behind a Service of which no pod may be away in a rollout."""
    index = PodIndex(pods(files, "Deployment"))
    called = {
        id(own)
        for selection in selections(files)
        if selection.is_service
        for own in chosen(selection, index) or ()
    }
    for own in index.kept:
        away = dig(own.artifact.data, "spec", "strategy", "rollingUpdate", "maxUnavailable")
        if str(away) in ("0", "0%") and id(own) in called and own.main_containers:
            yield own


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
    of_files=of_files,
    scope=counted_in_files("workloads", _gapless, running_workloads),
    reads="terminationGracePeriodSeconds, preStop, DRAIN_DELAY_S, SHUTDOWN_GRACE_S and the "
    "longest timeout of a caller. Of files without a plan: preStop of Deployments behind a Service "
    "whose maxUnavailable is 0.",
)
