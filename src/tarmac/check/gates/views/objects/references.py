"""How an object names another: what is scaled, tried, bound or rolled out."""

from __future__ import annotations

from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, text
from tarmac.check.gates.views.objects.metadata import kind_of, name_of

#: The field of `spec` in which each of these kinds names its target.
TARGETS = {
    "HorizontalPodAutoscaler": "scaleTargetRef",
    "ScaledObject": "scaleTargetRef",
    "Canary": "targetRef",
    "Rollout": "workloadRef",
}
#: Of these, the ones that change a number of replicas at any time.
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


class Reference(NamedTuple):
    """The kind and name of an object."""

    kind: str | None
    name: str | None


def reference(data: Fields) -> Reference:
    """Read a reference."""
    return Reference(text(data, "kind"), text(data, "name"))


def reference_to(artifact: Artifact) -> Reference:
    """Name an object as others do."""
    return Reference(kind_of(artifact), name_of(artifact))


def target_of(artifact: Artifact) -> Reference:
    """Read which object an autoscaler, a Canary or a Rollout acts on."""
    own = reference(fields(artifact.data, "spec", TARGETS[kind_of(artifact)]))
    is_deployment = kind_of(artifact) == "ScaledObject" and own.kind is None
    return Reference("Deployment", own.name) if is_deployment else own  # KEDA's default
