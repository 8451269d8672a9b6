"""Rules of objectives: for the operator, as plain files, and their unit tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import RECORDED_S, MeasuredObjective
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.observability.alerting.promtool import file
from tarmac.render.observability.alerting.slo_burn_rules import burns
from tarmac.render.observability.alerting.slo_own_rules import own
from tarmac.render.observability.alerting.slo_recordings import recordings
from tarmac.render.observability.alerting.slo_rule_tests import rule_tests
from tarmac.render.observability.alerting.slo_rules import measured
from tarmac.render.observability.alerting.slo_series import CLOCKS_S
from tarmac.render.renderer import Renderer

#: By its clock, what the file of tests is called after its objective: one of days has a slower one.
TESTS = dict(zip(CLOCKS_S, ("", "-6h", "-1d", "-3d"), strict=True))
GROUPS = ("slo-rules", "slo-alerts")
NOTES = (
    "Shares of good requests, 0 to 1: 1 without a request, no value while nothing is measured.",
    "Windows and factors: The Site Reliability Workbook, chapter 5, table 5-8.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the rules twice, for the operator and for promtool, and their tests.

    A file for each objective: promtool evaluates all rules of a file at each step of its tests.
    """
    watched = plan.settings.observability
    objectives = measured(plan)
    if watched is None or watched.metrics != "prometheus" or not objectives:
        return
    yield an_object(
        plan,
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        f"{plan.system}-slo",
        {"spec": _groups(plan, objectives)},
        folder="monitoring",
        notes=NOTES,
    )
    for objective in objectives:
        name = f"slo-{objective.name.replace('_', '-')}"
        yield Artifact(
            f"observability/rules/{name}.yaml",
            _groups(plan, (objective,)),
            place=plan.model,
            notes=NOTES,
        )
        for clock_s, ending in TESTS.items():
            path = f"observability/tests/{name}{ending}.yaml"
            if tests := list(rule_tests(plan, objective, clock_s)):
                notes = (f"promtool test rules {path}",)
                content = file((f"../rules/{name}.yaml",), clock_s, tests, GROUPS)
                yield Artifact(path, content, plan.model, notes)


def _groups(plan: ClusterPlan, objectives: tuple[MeasuredObjective, ...]) -> dict[str, Any]:
    recorded = [rule for objective in objectives for rule in recordings(objective)]
    alerts = [
        alert.rule
        for objective in objectives
        for alert in (*burns(plan, objective), *own(plan, objective))
    ]
    recording = {"name": GROUPS[0], "interval": f"{RECORDED_S}s", "rules": recorded}
    return {"groups": [recording, {"name": GROUPS[1], "rules": alerts}]}


RENDERER = Renderer(
    id="slo-rules",
    phase="observability",
    title="Recording rules and burn-rate alerts of each objective, with their unit tests",
    render=render,
)
