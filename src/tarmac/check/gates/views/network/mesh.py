"""Istio: its profile, the namespaces whose pods get a sidecar, how endpoints are treated."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, numbered, text
from tarmac.check.gates.views.objects.metadata import kind_of, metadata


def mesh_profile(operator: Artifact) -> str:
    """Read the profile of an IstioOperator; empty where it names none."""
    return text(operator.data, "spec", "profile") or ""


def has_sidecars(namespace: Artifact) -> bool:
    """Tell whether pods of a namespace get a sidecar, by its labels."""
    labels = metadata(namespace).labels
    return labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels


def policies_of_traffic(artifact: Artifact) -> Iterator[tuple[Path, Fields]]:
    """Yield how endpoints are treated, with its place: by a rule, its subsets, or by Flagger."""
    above: Path = ("spec", "service") if kind_of(artifact) == "Canary" else ("spec",)
    spec = fields(artifact.data, *above)
    yield (*above, "trafficPolicy"), fields(spec, "trafficPolicy")
    for number, subset in numbered(spec, "subsets"):
        path: Path = (*above, "subsets", number, "trafficPolicy")
        yield path, fields(subset, "trafficPolicy")
