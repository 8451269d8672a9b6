"""How new versions are tried, by Flagger or by Argo: with which weights, and judged by what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.trials.analyses import NEW, Analysis, of_canary, of_rollout
from tarmac.check.gates.views.trials.canaries import Canary
from tarmac.check.gates.views.trials.rollouts import Rollout

#: A hash as Kubernetes makes it of the stable revision's pods, and one of a pod.
OLD, POD = "7c5x6d9f8b", "x7k2p"


@dataclass(frozen=True)
class Trial:
    """How new versions of one workload are tried."""

    artifact: Artifact
    workload: str
    analysis: Analysis
    weights: tuple[int, ...]
    #: None: an Argo Rollout does it.
    canary: Canary | None = None

    @property
    def rollout(self) -> Rollout:
        """The Rollout that does it, where Flagger does not."""
        return Rollout(self.artifact)

    @property
    def namespace(self) -> str:
        """Its namespace; empty where none is said."""
        return metadata(self.artifact).namespace or ""

    @property
    def deadline_s(self) -> float:
        """How long a new version may take to be ready, in seconds."""
        spec = fields(self.artifact.data, "spec")
        return float(spec.get("progressDeadlineSeconds") or 600)

    @property
    def series(self) -> tuple[dict[str, str], dict[str, str]]:
        """Give the labels that a scrape of a new and of a stable pod has."""
        stable = f"{self.workload}-primary" if self.canary else self.workload
        return self._labels(self.workload, NEW), self._labels(stable, OLD)

    def _labels(self, owner: str, digest: str) -> dict[str, str]:
        return {
            "namespace": self.namespace,
            "destination_workload_namespace": self.namespace,
            "pod": f"{owner}-{digest}-{POD}",
            "container": self.workload,
            "service": self.workload,
            "job": self.workload,
            "destination_workload": owner,
        }


def trials(files: Files) -> Iterator[Trial]:
    """Yield how each workload's new versions are tried."""
    for artifact in files.objects("Canary"):
        if str(artifact.data["apiVersion"]).startswith("flagger.app/"):
            canary, name = Canary(artifact), _workload(artifact)
            analysis = of_canary(files, canary, name)
            yield Trial(artifact, name, analysis, canary.weights, canary)
    for artifact in files.objects("Rollout"):
        rollout = Rollout(artifact)
        if rollout.strategy:
            name = _workload(artifact)
            yield Trial(artifact, name, of_rollout(files, rollout), rollout.weights)


def _workload(artifact: Artifact) -> str:
    return target_of(artifact).name or metadata(artifact).name
