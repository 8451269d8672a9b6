"""Runbooks: a page for each alert, for the person on call at three in the morning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.alert import Alert, Runbook
from tarmac.render.observability.alerting.alert_rules import dashboard_url
from tarmac.render.observability.alerting.catalogue import alerts
from tarmac.render.observability.alerting.links import page
from tarmac.render.observability.alerting.slo_runbooks import slo_runbooks
from tarmac.render.renderer import Renderer

FOLDER = "runbooks"


#: The language of a command's block, and what a reader enters it into.
FENCES = {"run": ("sh", ""), "promql": ("promql", " (PromQL)"), "sql": ("sql", " (SQL)")}


def _diagnosis(runbook: Runbook) -> Iterator[str]:
    for step in runbook.diagnosis:
        language, into = FENCES.get(step.language, ("text", ""))
        yield f"{step.show}{into}:\n"
        yield f"```{language}\n{step.command}\n```\n"


def _page(
    plan: ClusterPlan, name: str, severity: str, runbook: Runbook, head: Iterable[str]
) -> Artifact:
    lines = [
        f"# {name}\n",
        (
            f"{severity}, {plan.system} in {plan.environment} (namespace `{plan.namespace}`), "
            f"team {plan.owner}\n"
        ),
        *head,
        "## Meaning\n",
        f"{runbook.meaning}\n",
        "## Impact\n",
        f"{runbook.impact}\n",
        "## Diagnosis\n",
        *_diagnosis(runbook),
        "## Likely causes\n",
        "\n".join(f"- {cause}" for cause in runbook.causes) + "\n",
        "## Mitigation\n",
        "\n".join(f"{number}. {action}" for number, action in enumerate(runbook.mitigation, 1))
        + "\n",
        "## Escalation\n",
        runbook.escalation,
    ]
    return Artifact(f"{FOLDER}/{page(name)}", "\n".join(lines) + "\n", place=plan.model)


def _of_alert(plan: ClusterPlan, same: list[Alert]) -> Artifact:
    first = same[0]
    services = list(dict.fromkeys(alert.service for alert in same if alert.service))
    which = f"one of: {', '.join(services)}" if len(services) > 1 else "the alert's label"
    chosen = services[0] if services else first.test.labels.get("service", plan.services[0].name)
    commands = (step.command for step in first.runbook.diagnosis)
    uses = any("$SERVICE" in text for text in (*commands, *first.runbook.mitigation))
    head = [
        f"Fires when this holds for {first.for_m} minutes"
        + (f" (for {chosen}; the others differ by the name):\n" if len(services) > 1 else ":\n"),
        f"```text\n{first.expr}\n```\n",
        f"Dashboard: {dashboard_url(plan, first)}\n".replace(
            "{{ $labels.service }}", "SERVICE, the alert's label"
        ),
    ]
    if uses:
        setting = f"SERVICE={chosen}  # {which}"
        head.append(f"Set the service from the alert's labels:\n\n```sh\n{setting}\n```\n")
    severities = sorted({alert.severity for alert in same})
    return _page(plan, first.name, " or ".join(severities).capitalize(), first.runbook, head)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a page for each alert of this environment, those on objectives among them."""
    made = alerts(plan)
    if not made:
        return
    by_name: dict[str, list[Alert]] = {}
    for group in made.values():
        for alert in group:
            by_name.setdefault(alert.name, []).append(alert)
    for same in by_name.values():
        yield _of_alert(plan, same)
    for slo in slo_runbooks(plan):
        if slo.name not in by_name:
            yield _page(plan, slo.name, slo.severity.capitalize(), slo.runbook, slo.head)


RENDERER = Renderer(
    id="runbooks",
    phase="observability",
    title="A runbook for each alert: its meaning, diagnosis and mitigation",
    render=render,
)
