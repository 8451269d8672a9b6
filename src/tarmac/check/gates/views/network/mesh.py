"""Istio: its profile, and the namespaces whose pods get a sidecar."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import text
from tarmac.check.gates.views.objects.metadata import metadata


def mesh_profile(operator: Artifact) -> str:
    """Read the profile of an IstioOperator; empty where it names none."""
    return text(operator.data, "spec", "profile") or ""


def has_sidecars(namespace: Artifact) -> bool:
    """Tell whether pods of a namespace get a sidecar, by its labels."""
    labels = metadata(namespace).labels
    return labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels
