"""Completeness: every workload of the plan is rendered with all it needs, and no other is."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import named
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.canaries import canaries


def check(subject: Subject) -> Iterator[Finding]:
    """Yield workloads without pods or an address, pods of no workload, and missing jobs."""
    keeping, plan = running(subject), subject.plan
    # Flagger makes the Services of what it tries.
    services = {*named(subject, "Service"), *canaries(subject)}
    jobs = list(pods(subject, "Job", "CronJob"))
    for workload in plan.workloads:
        if workload.name not in keeping:
            yield Finding(
                workload.place,
                f"nothing runs {workload.name} in {plan.environment}; render its pods",
            )
            continue
        if workload.ports and workload.name not in services:
            yield Finding(
                workload.place, f"{workload.name} has no Service, which its callers need; add it"
            )
        for once in workload.once:
            kind = "CronJob" if once.schedule else "Job"
            held = [e for e in jobs if e.workload == workload.name and e.kind == kind]
            begun = (c for c in keeping[workload.name].containers if c.name == once.name)
            if not held and not any(begun):
                yield Finding(
                    workload.place, f"no {kind} runs '{once.name}' of {workload.name}; render it"
                )
    known = {workload.name for workload in plan.workloads}
    for name, own in keeping.items():
        if name not in known:
            yield Finding(
                own.artifact.path, f"{own.kind} {own.name} is not a workload of the model"
            )


def _judged(subject: Subject) -> set[str]:
    return {*running(subject), *(workload.name for workload in subject.plan.workloads)}


GATE = Gate(
    id="OBJ004",
    title="Every workload of the plan is rendered completely, and no other",
    phase="kubernetes",
    source="a declared workload that is not rendered is missed only when it is called",
    check=check,
    scope=counted("workloads", _judged),
    targets=("cluster",),
    reads="Deployments, StatefulSets, Services, Jobs and CronJobs, beside the plan.",
)
