"""Rules of objectives: for the operator, as plain files, and their unit tests."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._objects import an_object
from tarmac.render._promtool import file
from tarmac.render._renderer import Renderer
from tarmac.render._rule_tests import CLOCKS_S, trials
from tarmac.render._rules import budgets_s, burns, own, promises, recordings, windows_s

RULES = "observability/rules/slo.yaml"
#: By its clock: a test of days has a slower one.
TESTS = dict(zip(CLOCKS_S, ("slo", "slo-6h", "slo-1d", "slo-3d"), strict=True))
GROUPS = ("slo-rules", "slo-alerts")
NOTES = (
    "Shares of good requests, 0 to 1: 1 while nobody asks, no value while nothing is measured.",
    "Windows and factors: The Site Reliability Workbook, chapter 5, table 5-8.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the rules twice, for the operator and for promtool, and their tests."""
    watched = plan.settings.observability
    found = promises(plan)
    if watched is None or watched.metrics != "prometheus" or not found:
        return
    groups = {
        "groups": [
            {
                "name": GROUPS[0],
                "interval": "30s",
                "rules": [rule for each in found for rule in recordings(each)],
            },
            {
                "name": GROUPS[1],
                "rules": [
                    told.rule for each in found for told in (*burns(plan, each), *own(plan, each))
                ],
            },
        ]
    }
    yield an_object(
        plan,
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        f"{plan.system}-slo",
        {"spec": groups},
        folder="monitoring",
        notes=NOTES,
    )
    yield Artifact(RULES, groups, place=plan.model, notes=NOTES)
    for clock_s, name in TESTS.items():
        path = f"observability/tests/{name}.yaml"
        tried = [
            test
            for each in found
            for test in trials(plan, each, windows_s(each), budgets_s(each), clock_s)
        ]
        if tried:
            notes = (f"promtool test rules {path}",)
            tests = file(("../rules/slo.yaml",), clock_s, tried, GROUPS)
            yield Artifact(path, tests, plan.model, notes)


RENDERER = Renderer(
    id="slo-rules",
    phase="observability",
    title="Recording rules and burn-rate alerts of each objective, with their unit tests",
    render=render,
)
