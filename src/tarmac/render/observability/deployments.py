"""How often each service is deployed in a day: a rule that records it, in both forms, and tests."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.observability.alerting.promtool import file
from tarmac.render.observability.charts.deployments import STEP_S, owners, rule, tests
from tarmac.render.renderer import Renderer

RULES, TESTS = "observability/rules/deployments.yaml", "observability/tests/deployments.yaml"
NOTES = (
    "A set that went while it was young counts to the end of its day: few old ones are kept.",
    "One whose version a canary rolled back counts: it was deployed.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the rules twice, for the operator and for promtool, and their tests."""
    watched = plan.settings.observability
    if watched is None or watched.metrics != "prometheus" or not plan.services:
        return
    made_by = owners(plan)
    rules = [rule(plan, kind, names) for kind, names in made_by.items()]
    groups = {"groups": [{"name": "deployments", "interval": "1m", "rules": rules}]}
    yield an_object(
        plan,
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        f"{plan.system}-deployments",
        {"spec": groups},
        folder="monitoring",
        notes=NOTES,
    )
    yield Artifact(RULES, groups, place=plan.model, notes=NOTES)
    tried = [test for kind, names in made_by.items() for test in tests(plan, kind, names[0])]
    notes = (f"promtool test rules {TESTS}",)
    written = file(("../rules/deployments.yaml",), STEP_S, tried)
    yield Artifact(TESTS, written, place=plan.model, notes=notes)


RENDERER = Renderer(
    id="deployment-rules",
    phase="delivery",
    title="A recording rule of how often each service is deployed in a day, with its tests",
    render=render,
)
