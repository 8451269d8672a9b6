"""Alerts besides those on objectives: as an object of the operator, as plain rules, with tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.observability.alerting import promtool
from tarmac.render.observability.alerting.alert_rules import rule
from tarmac.render.observability.alerting.alert_tests import tests
from tarmac.render.observability.alerting.catalogue import PREFIX, alerts
from tarmac.render.renderer import Renderer

#: A value a minute: so are the series of each test.
STEP_S = 60.0
NOTES = ("The same rules as observability/rules/alerts-*.yaml, which promtool reads.",)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the rules twice, for the operator and for promtool, and a test of each.

    A file for each topic: promtool evaluates all rules of a file for every one of its tests.
    """
    found = alerts(plan)
    if not found:
        return
    groups = {name: [rule(plan, alert) for alert in group] for name, group in found.items()}
    yield an_object(
        plan,
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        f"{plan.system}-alerts",
        {"spec": {"groups": [_group(name, rules) for name, rules in groups.items()]}},
        folder="monitoring",
        notes=NOTES,
    )
    for name, rules in groups.items():
        file = f"alerts-{name.removeprefix(PREFIX)}.yaml"
        yield Artifact(
            f"observability/rules/{file}", {"groups": [_group(name, rules)]}, place=plan.model
        )
        of_alerts = (test for alert in found[name] for test in tests(plan, alert))
        content = promtool.file([f"../rules/{file}"], STEP_S, of_alerts)
        notes = (f"promtool test rules observability/tests/{file}",)
        yield Artifact(f"observability/tests/{file}", content, place=plan.model, notes=notes)


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "rules": rules}


RENDERER = Renderer(
    id="alerts",
    phase="observability",
    title="Alerts on pods, stores, messages, disks, certificates and rollouts, each with its tests",
    render=render,
)
