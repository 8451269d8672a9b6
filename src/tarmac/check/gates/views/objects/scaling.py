"""Numbers of pods: of workloads, autoscalers, disruption budgets, and the quota of a namespace."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, number, port
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.references import Reference, target_of


class Scaler:
    """An autoscaler: a HorizontalPodAutoscaler or a ScaledObject."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def target(self) -> Reference:
        """What it scales."""
        return target_of(self.artifact)

    @property
    def least(self) -> int | None:
        """The smallest number of pods that is written."""
        return number(self.artifact.data, "spec", "minReplicas")

    @property
    def most(self) -> int | None:
        """The largest number of pods that is written."""
        return number(self.artifact.data, "spec", "maxReplicas")


def scalers(files: Files) -> list[Scaler]:
    """List the HorizontalPodAutoscalers."""
    return [Scaler(artifact) for artifact in files.objects("HorizontalPodAutoscaler")]


class Controller:
    """What makes pods: a Deployment, a Job, a Rollout."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def replicas(self) -> int | None:
        """How many pods it makes, where that is written."""
        return number(self.artifact.data, "spec", "replicas")

    @property
    def parallelism(self) -> int | None:
        """How many pods a Job runs at once, where that is written."""
        return number(self.artifact.data, "spec", "parallelism")

    @property
    def selector(self) -> Fields:
        """Which pods are its own."""
        return fields(self.artifact.data, "spec", "selector")

    @property
    def surges(self) -> bool:
        """Whether an update makes a pod before it deletes one."""
        return bool(port(self.artifact.data, "spec", "strategy", "rollingUpdate", "maxSurge"))


class Budget:
    """A PodDisruptionBudget."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def selector(self) -> Fields:
        """Which pods it protects."""
        return fields(self.artifact.data, "spec", "selector")

    @property
    def available(self) -> int | str | None:
        """How many must remain: a number or a percentage."""
        return port(self.artifact.data, "spec", "minAvailable")

    @property
    def unavailable(self) -> int | str | None:
        """How many may be absent: a number or a percentage."""
        return port(self.artifact.data, "spec", "maxUnavailable")

    def stay(self, least: int) -> int:
        """Compute how many must remain where there are at least so many."""
        if self.unavailable is not None:
            return least - share(self.unavailable, least, up=True)
        return share(self.available, least, up=True)


def share(written: object, of: int, *, up: bool = False) -> int:
    """Read a number or a percentage of pods; 0 where it is neither.

    Args:
        up: a percentage is rounded up, as Kubernetes does for budgets and for pods that an update
            adds; it rounds down how many an update may lack.
    """
    told = str(written)
    if told.endswith("%") and told[:-1].isdecimal():
        return (math.ceil if up else math.floor)(int(told[:-1]) * of / 100)
    return int(told) if told.isdecimal() else 0


class Quota:
    """A ResourceQuota."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def hard(self) -> Mapping[str, str | int | float]:
        """Its limits: `requests.cpu` -> an amount."""
        return fields(self.artifact.data, "spec", "hard")


def templated(files: Files) -> dict[str, Artifact]:
    """Find the Rollouts that make the pods of a Deployment's template, by its name."""
    found = {target_of(rollout).name: rollout for rollout in files.objects("Rollout")}
    return {name: rollout for name, rollout in found.items() if name}
