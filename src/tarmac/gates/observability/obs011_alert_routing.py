"""Routing: every severity of an alert has a receiver, with resolved notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.alert_rules import ALERTMANAGER, alertmanager, once, receiver
from tarmac.gates.views.scope import counted
from tarmac.gates.views.shapes import mappings
from tarmac.report import Finding

LABELS = {"alertname": "Any", "service": "any"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield severities without a receiver, without resolved notifications, or with one route."""
    severities = _severities(subject)
    if not severities:
        return
    found = alertmanager(subject)
    if found is None:
        yield Finding(
            next(iter(once(subject).values())).path,
            f"alerts fire and no receiver is notified: there is no {ALERTMANAGER}; render it "
            "(`observability.notify` names the receivers)",
        )
        return
    watched = subject.plan.settings.observability
    said: Mapping[Any, str] = watched.notify if watched else {}
    receivers = {str(listed.get("name")): listed for listed in found.data.get("receivers") or ()}
    ways = {}
    for severity in severities:
        name = receiver(found.data.get("route") or {}, {**LABELS, "severity": severity})
        ways[severity] = _ways(receivers.get(name, {}))
        if name not in receivers:
            yield Finding(
                found.path, f"{severity} goes to '{name}', which is not a receiver; add one"
            )
        elif not ways[severity] and severity in (*said, "critical"):
            yield Finding(
                found.path,
                f"{severity} goes to '{name}', which notifies nothing; give it a receiver, e.g. "
                f"{said.get(severity, 'slack')}_configs",
            )
        for kind, way in ways[severity]:
            if way.get("send_resolved") is not True:
                yield Finding(
                    found.path,
                    f"'{name}' sends no resolved notification ({kind}); "
                    "write `send_resolved: true`",
                )
    same = bool(ways.get("critical")) and ways.get("critical") == ways.get("warning")
    if same and said.get("critical") != said.get("warning"):
        yield Finding(
            found.path,
            "critical and warning go to the same receivers; the model has "
            f"{said.get('critical')} and {said.get('warning')}: give each a route of its own",
        )


def _ways(given: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (kind, config)
        for kind, configs in sorted(given.items())
        if kind.endswith("_configs")
        for config in mappings(configs)
    ]


def _severities(subject: Subject) -> list[str]:
    return sorted({alert.severity for alert in once(subject).values()} - {""})


GATE = Gate(
    id="OBS011",
    title="Every severity has a route to a receiver, with resolved notifications",
    phase="observability",
    source="an alert without a receiver notifies no one; without an end people search for nothing",
    check=check,
    scope=counted("severities", _severities),
    reads="the routes of observability/alertmanager.yaml for each severity that rules have. A "
    "severity that the model's `notify` leaves out may have no receiver, except critical.",
    targets=("cluster",),
)
