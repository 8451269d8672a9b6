"""Complete: every workload of the plan is rendered with all that it needs, and no other is."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import flagged, named, pods, running
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield workloads without pods or an address, pods of nobody's, and set-ups that are lost."""
    keeping, plan = running(subject), subject.plan
    # Flagger makes the Services of what it tries.
    services = {*named(subject, "Service"), *flagged(subject)}
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
                workload.place, f"{workload.name} has no Service, by which others find it; add it"
            )
        for once in workload.once:
            kind = "CronJob" if once.schedule else "Job"
            held = [e for e in jobs if e.workload == workload.name and e.kind == kind]
            begun = (c for c in keeping[workload.name].containers if c.get("name") == once.name)
            if not held and not any(begun):
                yield Finding(
                    workload.place, f"no {kind} runs '{once.name}' of {workload.name}; render it"
                )
    known = {each.name for each in plan.workloads}
    for name, each in keeping.items():
        if name not in known:
            yield Finding(
                each.artifact.path, f"{each.kind} {each.name} is no workload of the model"
            )


GATE = Gate(
    id="OBJ004",
    title="Every workload of the plan is rendered whole, and no other is",
    phase="kubernetes",
    source="what the model declares and nobody renders is missed only when it is called",
    check=check,
    targets=("cluster",),
    looks_at="Deployments, StatefulSets, Services, Jobs and CronJobs, beside the plan.",
)
