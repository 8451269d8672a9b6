"""Datadog's agent, dashboard and monitors as code, where an environment is watched by it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.observability.charts import datadog, datadog_monitors
from tarmac.render.renderer import Renderer

#: A definition that has an id beside it is changed; one that has none is made, and its id is kept.
SCRIPT = "observability/datadog.sh"
FOLDER = "observability/datadog"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the agent's values, the definitions, and the script that loads them."""
    observability = plan.settings.observability
    if observability is None or observability.metrics != "datadog":
        return
    version, space = versions.read().charts["datadog"].version, plan.settings.monitoring
    chart = f"datadog --repo https://helm.datadoghq.com --version {version}"
    notes = (
        f"helm upgrade --install datadog {chart}",
        f"  --namespace {space} --create-namespace --values datadog.yaml",
        "Services of the kit send their spans to the Service that is named after the release: it",
        "leads to the agent on the same node.",
    )
    path = "observability/values/datadog.yaml"
    yield Artifact(path, datadog.agent(plan), plan.model, notes=notes)
    yield _json(plan, "dashboard", datadog.dashboard(plan))
    monitors = datadog_monitors.monitors(plan)
    for name, monitor in monitors.items():
        yield _json(plan, f"monitor-{name}", monitor)
    if monitors:
        yield Artifact(f"{FOLDER}/load.sh", asset(SCRIPT), plan.model, executable=True)


def _json(plan: ClusterPlan, name: str, content: dict[str, Any]) -> Artifact:
    return Artifact(f"{FOLDER}/{name}.json", json.dumps(content, indent=2) + "\n", plan.model)


RENDERER = Renderer(
    id="datadog",
    phase="observability",
    title="Datadog: the agent's values, a dashboard and monitors, and what loads them",
    render=render,
)
