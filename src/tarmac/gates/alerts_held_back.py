"""What holds an alert back is there, and explains what it holds back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.errors import did_you_mean
from tarmac.gates._alerting import alertmanager, matchers, once
from tarmac.gates._gate import Gate, Subject
from tarmac.report import Finding


def _values(rule: Mapping[str, Any], side: str, label: str) -> list[str]:
    return [
        value
        for name, how, given in matchers(rule.get(f"{side}_matchers"))
        if name == label and how in ("=", "=~")
        for value in given.split("|")
    ]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield rules of inhibition that name nobody, and those without a declared edge."""
    found = alertmanager(subject)
    if found is None:
        return
    plan = subject.plan
    known = {each.name for each in plan.workloads} | plan.asked.keys()
    uses = {(each.source, each.target) for each in plan.allowed}
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
                "an inhibition holds back every service's alerts; write `equal: [service]`, or "
                "which services",
            )
        for store in _values(rule, "source", "service"):
            for service in _values(rule, "target", "service"):
                if {store, service} <= known and store != service and (service, store) not in uses:
                    yield Finding(
                        found.path,
                        f"{service} is kept silent while {store} is down, which it does not use; "
                        "take it out: its own failure would be seen by nobody",
                    )


GATE = Gate(
    id="OBS013",
    title="What holds alerts back exists, and is something that their service uses",
    phase="observability",
    source="an inhibition that is wrong keeps an outage silent; one that names nobody pages for "
    "what follows from one cause",
    check=check,
    looks_at="inhibit_rules of observability/alertmanager.yaml, against the services, stores, "
    "edges and alerts of this environment.",
    targets=("cluster",),
)
