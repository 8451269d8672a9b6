"""Who is told: every severity that alerts have leads to somebody, who also hears of the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates._alerting import ALERTMANAGER, alertmanager, once, receiver
from tarmac.gates._gate import Gate, Subject
from tarmac.report import Finding

LABELS = {"alertname": "Any", "service": "any"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield severities that reach nobody, ends that nobody hears of, ways that are the same."""
    severities = sorted({each.severity for each in once(subject).values()} - {""})
    if not severities:
        return
    found = alertmanager(subject)
    if found is None:
        yield Finding(
            next(iter(once(subject).values())).path,
            f"alerts fire and nobody is told: there is no {ALERTMANAGER}; render it "
            "(`observability.notify` says who)",
        )
        return
    watched = subject.plan.settings.observability
    said: Mapping[Any, str] = watched.notify if watched else {}
    receivers = {str(each.get("name")): each for each in found.data.get("receivers") or ()}
    ways = {}
    for severity in severities:
        name = receiver(found.data.get("route") or {}, {**LABELS, "severity": severity})
        ways[severity] = _ways(receivers.get(name, {}))
        if name not in receivers:
            yield Finding(found.path, f"{severity} goes to '{name}', which is no receiver; add it")
        elif not ways[severity] and severity in (*said, "critical"):
            yield Finding(
                found.path,
                f"{severity} goes to '{name}', which tells nobody; give it a way, e.g. "
                f"{said.get(severity, 'slack')}_configs",
            )
        for kind, way in ways[severity]:
            if way.get("send_resolved") is not True:
                yield Finding(
                    found.path,
                    f"'{name}' does not hear of the end ({kind}); write `send_resolved: true`",
                )
    same = bool(ways.get("critical")) and ways.get("critical") == ways.get("warning")
    if same and said.get("critical") != said.get("warning"):
        yield Finding(
            found.path,
            "critical and warning go the same way; the model says "
            f"{said.get('critical')} and {said.get('warning')}: give each a route of its own",
        )


def _ways(given: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (kind, way)
        for kind, ways in sorted(given.items())
        if kind.endswith("_configs")
        for way in ways
    ]


GATE = Gate(
    id="OBS011",
    title="Every severity reaches somebody, by a way of its own, and its end is told too",
    phase="observability",
    source="an alert that nobody is told of is none; who is not told of its end looks for nothing",
    check=check,
    looks_at="the routes of observability/alertmanager.yaml for each severity that rules have. A "
    "severity that the model's `notify` leaves out may reach nobody, except critical.",
    targets=("cluster",),
)
