"""Pods: every workload that is there has all of them, ready by their probes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield workloads that are not ready, with the causes, and containers that had to restart."""
    logs = f"tarmac logs {subject.plan.system} --target cluster --env {subject.plan.environment}"
    live = subject.given(LiveSystem)
    for workload in live.workloads:
        if not workload.ready:
            why = "; ".join(workload.causes) or f"no cause is reported; `{logs}` may show one"
            yield Finding(
                workload.where,
                f"{workload.title} is not ready in {live.context} ({workload.detail}): {why}",
            )
        for restart in workload.restarts:
            what = f"{workload.title}: {restart}; `kubectl logs --previous` shows its last lines"
            yield Finding(workload.where, what, warning=True)


GATE = Gate(
    id="RUN002",
    title="Every workload has its pods in the cluster, and they pass their probes",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions",
    check=check,
    scope=counted("workloads", lambda subject: subject.given(LiveSystem).workloads),
    reads="status of Deployments, StatefulSets, DaemonSets and Jobs of the tree that are there, "
    "their pods, disks and events. Containers that were started again are a warning.",
    level=Level.OBSERVED,
    targets=("cluster",),
    observes=True,
)
