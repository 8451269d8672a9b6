"""The shapes of files that gates read by their parts, and how files are made to fit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.artifact import Artifact
from tarmac.gates.views.object_shapes import GROUPS, SELECTOR, shape_of
from tarmac.gates.views.shapes import (
    ANY,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    MapOf,
    Record,
    Shape,
    conform,
)

#: Where workflows are.
WORKFLOWS = ".github/workflows/"
_WORKFLOW_STEP = Record(
    {
        "name": SCALAR, "id": TEXT, "uses": TEXT, "run": TEXT, "if": SCALAR,
        "working-directory": TEXT, "env": MapOf(ANY), "with": MapOf(ANY),
    }
)  # fmt: skip
WORKFLOW = Record(
    {
        "jobs": MapOf(
            Record(
                {
                    "name": SCALAR, "if": SCALAR, "steps": ListOf(_WORKFLOW_STEP),
                    "outputs": MapOf(SCALAR),
                    "strategy": Record({"matrix": ANY}),
                    "defaults": Record({"run": Record({"working-directory": TEXT})}),
                }
            )
        )
    }
)  # fmt: skip
_MATCHERS = ListOf(SCALAR)
_RECEIVER = MapOf(ANY)
#: Alertmanager's configuration; a route has routes, as deep as ours go.
_LAST_ROUTE = Record({"receiver": TEXT, "matchers": _MATCHERS})
_ROUTES = ListOf(Record({"receiver": TEXT, "matchers": _MATCHERS, "routes": ListOf(_LAST_ROUTE)}))
ALERTMANAGER = Record(
    {
        "receivers": ListOf(_RECEIVER),
        "route": Record({"receiver": TEXT, "matchers": _MATCHERS, "routes": _ROUTES}),
        "inhibit_rules": ListOf(
            Record({"source_matchers": _MATCHERS, "target_matchers": _MATCHERS, "equal": TEXTS})
        ),
    }
)
_CASE = Record({"alertname": TEXT, "exp_alerts": ListOf(ANY)})
#: A file of unit tests for rules.
TESTS = Record(
    {
        "tests": ListOf(
            Record(
                {"alert_rule_test": ListOf(Record({"alertname": TEXT, "exp_alerts": ListOf(ANY)}))}
            )
        )
    }
)
#: The values of the chart kube-prometheus-stack.
STACK = Record(
    {
        "prometheus": Record(
            {
                "prometheusSpec": Record(
                    {
                        "retention": SCALAR,
                        "serviceMonitorSelector": SELECTOR,
                        "serviceMonitorNamespaceSelector": SELECTOR,
                    }
                )
            }
        )
    }
)
#: `ci/services.json`, and GitHub's rulesets.
SERVICES = Record(
    {"services": MapOf(Record({"paths": TEXTS, "lint": ListOf(TEXTS), "test": ListOf(TEXTS)}))}
)
RULESET = Record(
    {
        "rules": ListOf(
            Record(
                {
                    "type": TEXT,
                    "parameters": Record(
                        {"required_status_checks": ListOf(Record({"context": TEXT}))}
                    ),
                }
            )
        )
    }
)
#: A file of rules for Prometheus.
RULES = Record({"groups": GROUPS})


#: By a part of their path.
BY_PATH: dict[str, Shape] = {
    "observability/alertmanager.yaml": ALERTMANAGER,
    "observability/tests/": TESTS,
    "observability/rules/": RULES,
    "observability/values/kube-prometheus-stack.yaml": STACK,
    "ci/services.json": SERVICES,
    ".github/rulesets/": RULESET,
}


def shape_of_file(artifact: Artifact) -> Shape | None:
    """Give the shape that a file must have; None where gates read no such file by its parts."""
    data = artifact.data
    if artifact.is_object:
        return shape_of(str(data.get("kind")))
    if WORKFLOWS in artifact.path and "jobs" in data:
        return WORKFLOW
    for ending, shape in BY_PATH.items():
        if ending in artifact.path and isinstance(artifact.content, Mapping):
            return shape
    return RULES if isinstance(data.get("groups"), list) else None


def fitted(artifact: Artifact) -> Artifact:
    """Leave out of a file what does not fit its shape; the same file where all of it does."""
    shape = shape_of_file(artifact)
    if shape is None:
        return artifact
    content, _ = conform(artifact.content, shape)
    return artifact if content is artifact.content else replace(artifact, content=content)
