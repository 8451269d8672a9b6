"""Routing: every severity of an alert has a receiver, with resolved notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.alert_rules import once
from tarmac.check.gates.views.monitoring.alertmanager import FILE, alertmanager
from tarmac.check.gates.views.scope import counted

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
            f"alerts fire and no receiver is notified: there is no {FILE}; render it "
            "(`observability.notify` names the receivers)",
        )
        return
    watched = subject.plan.settings.observability
    said: Mapping[Any, str] = watched.notify if watched else {}
    path, receivers, ways = found.artifact.path, found.receivers, {}
    for severity in severities:
        name = found.receiver({**LABELS, "severity": severity})
        ways[severity] = receivers.get(name, [])
        if name not in receivers:
            yield Finding(path, f"{severity} goes to '{name}', which is not a receiver; add one")
        elif not ways[severity] and severity in (*said, "critical"):
            yield Finding(
                path,
                f"{severity} goes to '{name}', which notifies nothing; give it a receiver, e.g. "
                f"{said.get(severity, 'slack')}_configs",
            )
        for notification in ways[severity]:
            if not notification.sends_resolved:
                yield Finding(
                    path,
                    f"'{name}' sends no resolved notification ({notification.kind}); "
                    "write `send_resolved: true`",
                )
    same = bool(ways.get("critical")) and ways.get("critical") == ways.get("warning")
    if same and said.get("critical") != said.get("warning"):
        yield Finding(
            path,
            "critical and warning go to the same receivers; the model has "
            f"{said.get('critical')} and {said.get('warning')}: give each a route of its own",
        )


def _severities(subject: Subject) -> list[str]:
    return sorted({alert.severity for alert in once(subject).values()} - {""})


GATE = Gate(
    id="OBS011",
    title="Every severity has a route to a receiver, with resolved notifications",
    phase="observability",
    source=(
        "an alert without a receiver notifies no one; without a resolved "
        "notification, engineers investigate alerts that are over"
    ),
    check=check,
    scope=counted("severities", _severities),
    reads="the routes of observability/alertmanager.yaml for each severity that rules have. A "
    "severity that the model's `notify` leaves out may have no receiver, except critical.",
    targets=("cluster",),
)
