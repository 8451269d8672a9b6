"""Inhibition: the source alert exists, and explains the alerts that it suppresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.alert_rules import once
from tarmac.check.gates.views.monitoring.alertmanager import Inhibition, alertmanager
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield rules of inhibition with unknown names, and those without a declared edge."""
    found = alertmanager(subject)
    if found is None:
        return
    plan, path = subject.plan, found.artifact.path
    known = {workload.name for workload in plan.workloads} | plan.asked.keys()
    uses = {(edge.source, edge.target) for edge in plan.allowed}
    names = once(subject)
    for rule in found.inhibitions:
        for side in ("source", "target"):
            for name in rule.values(side, "service"):
                if name not in known:
                    yield Finding(
                        path,
                        f"an inhibition names {name}, which is not a service or store here; "
                        f"{did_you_mean(name, known)}",
                    )
            for name in rule.values(side, "alertname"):
                if names and name not in names:
                    yield Finding(
                        path,
                        f"an inhibition names {name}, which no rule fires; "
                        f"{did_you_mean(name, names)}",
                    )
        if not rule.has_equal and not rule.values("target", "service"):
            yield Finding(
                path,
                "an inhibition mutes every service's alerts; write `equal: [service]`, or "
                "which services",
            )
        for store in rule.values("source", "service"):
            for service in rule.values("target", "service"):
                if {store, service} <= known and store != service and (service, store) not in uses:
                    yield Finding(
                        path,
                        f"{service} is muted while {store} is down, which it does not use; "
                        "remove it: its own failure would raise no alert",
                    )


def _rules(subject: Subject) -> Iterable[Inhibition]:
    found = alertmanager(subject)
    return found.inhibitions if found else ()


GATE = Gate(
    id="OBS013",
    title="Alert inhibition matches declared dependencies",
    phase="observability",
    source="a wrong inhibition keeps an outage silent; one with an unknown name pages for "
    "what follows from one cause",
    check=check,
    scope=counted("inhibition rules", _rules),
    reads="inhibit_rules of observability/alertmanager.yaml, against the services, stores, "
    "edges and alerts of this environment.",
    targets=("cluster",),
)
