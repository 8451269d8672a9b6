"""Inhibition: the source alert exists, and explains the alerts that it suppresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.errors import did_you_mean
from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.alert_rules import alertmanager, matchers, once
from tarmac.gates.views.scope import counted
from tarmac.report import Finding


def _values(rule: Mapping[str, Any], side: str, label: str) -> list[str]:
    return [
        value
        for name, how, given in matchers(rule.get(f"{side}_matchers"))
        if name == label and how in ("=", "=~")
        for value in given.split("|")
    ]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield rules of inhibition with unknown names, and those without a declared edge."""
    found = alertmanager(subject)
    if found is None:
        return
    plan = subject.plan
    known = {workload.name for workload in plan.workloads} | plan.asked.keys()
    uses = {(edge.source, edge.target) for edge in plan.allowed}
    names = once(subject)
    for rule in found.data.get("inhibit_rules") or ():
        for side in ("source", "target"):
            for name in _values(rule, side, "service"):
                if name not in known:
                    yield Finding(
                        found.path,
                        f"an inhibition names {name}, which is no service or store here; "
                        f"{did_you_mean(name, known)}",
                    )
            for name in _values(rule, side, "alertname"):
                if names and name not in names:
                    yield Finding(
                        found.path,
                        f"an inhibition names {name}, which no rule fires; "
                        f"{did_you_mean(name, names)}",
                    )
        if not rule.get("equal") and not _values(rule, "target", "service"):
            yield Finding(
                found.path,
                "an inhibition mutes every service's alerts; write `equal: [service]`, or "
                "which services",
            )
        for store in _values(rule, "source", "service"):
            for service in _values(rule, "target", "service"):
                if {store, service} <= known and store != service and (service, store) not in uses:
                    yield Finding(
                        found.path,
                        f"{service} is muted while {store} is down, which it does not use; "
                        "remove it: its own failure would raise no alert",
                    )


def _rules(subject: Subject) -> Iterable[Mapping[str, Any]]:
    found = alertmanager(subject)
    return (found.data.get("inhibit_rules") or ()) if found else ()


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
