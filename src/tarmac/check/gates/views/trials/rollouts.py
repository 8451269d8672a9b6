"""Argo's Rollouts: their steps, Services and the routes whose weights they move."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, text


class Rollout:
    """A Rollout with the strategy `canary`."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def strategy(self) -> Fields:
        """How it replaces pods; empty where that is not by a canary."""
        return fields(self.artifact.data, "spec", "strategy", "canary")

    @property
    def weights(self) -> tuple[int, ...]:
        """The percentages of requests that a new version gets, one after the other."""
        steps = items(self.strategy, "steps")
        return tuple(step["setWeight"] for step in steps if "setWeight" in step)

    @property
    def analyses(self) -> dict[str, None]:
        """The names of the AnalysisTemplates that judge it, in their order."""
        steps = items(self.strategy, "steps")
        written = [self.strategy, *steps]
        return dict.fromkeys(
            str(template.get("templateName"))
            for part in written
            for template in items(part, "analysis", "templates")
        )

    @property
    def step_analyses(self) -> frozenset[str]:
        """The names of the AnalysisTemplates that a step waits for."""
        return frozenset(
            str(template.get("templateName"))
            for step in items(self.strategy, "steps")
            for template in items(step, "analysis", "templates")
        )

    @property
    def services(self) -> tuple[str | None, str | None]:
        """Its two Services: of the stable version, and of the new one."""
        return text(self.strategy, "stableService"), text(self.strategy, "canaryService")

    @property
    def moved(self) -> set[str]:
        """The HTTPRoutes whose weights it moves."""
        plugins = fields(self.strategy, "trafficRouting", "plugins")
        routes = (route for plugin in plugins.values() for route in items(plugin, "httpRoutes"))
        return {route["name"] for route in routes if "name" in route}
