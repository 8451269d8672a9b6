"""What a renderer must say; with `_objects`, all that a file in this folder imports from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan

#: The order in which a reader meets them; a phase is a label and never a folder.
PHASES = (
    "foundation",
    "services",
    "containers",
    "infrastructure",
    "delivery",
    "kubernetes",
    "gitops",
    "observability",
    "security",
    "resilience",
    "mesh",
    "recovery",
    "finops",
    "portal",
    "data",
)


@dataclass(frozen=True)
class Renderer:
    """One family of artifacts."""

    id: str
    #: One of PHASES.
    phase: str
    #: What it writes, for a reader.
    title: str
    #: Yields its files; none where the environment has no need of them.
    render: Callable[[ClusterPlan], Iterable[Artifact]]
    #: Yields files made of the objects below `k8s/` that all renderers together make: the values of
    #: a chart, an overlay. So these can say nothing else than the plain tree does.
    repack: Callable[[ClusterPlan, Sequence[Artifact]], Iterable[Artifact]] | None = None
    #: What runs the environments that it is for: their `target`.
    targets: tuple[str, ...] = ("cluster",)
