"""Which file has which shape, and files made to fit theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.shapes.conforming import conform
from tarmac.check.gates.views.shapes.kept import kept
from tarmac.check.gates.views.shapes.monitoring import ALERTMANAGER, RULES, STACK, TESTS
from tarmac.check.gates.views.shapes.objects import shape_of
from tarmac.check.gates.views.shapes.pipelines import RULESET, SERVICES, WORKFLOW
from tarmac.check.gates.views.shapes.shape import Shape

#: Where workflows are.
WORKFLOWS = ".github/workflows/"
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
        return shape_of(data)
    if WORKFLOWS in artifact.path and "jobs" in data:
        return WORKFLOW
    for ending, shape in BY_PATH.items():
        if ending in artifact.path and isinstance(artifact.content, Mapping):
            return shape
    groups = data.get("groups")
    # Other programs have groups, too: names of people, of machines, of roles.
    is_rules = isinstance(groups, list) and any(isinstance(one, Mapping) for one in groups)
    return RULES if is_rules else None


@kept
def fitted(artifact: Artifact) -> Artifact:
    """Leave out of a file what does not fit its shape; the same file where all of it does."""
    shape = shape_of_file(artifact)
    if shape is None:
        return artifact
    content, _ = conform(artifact.content, shape)
    return artifact if content is artifact.content else replace(artifact, content=content)
