"""Images: the one Dockerfile of all kit services, and what its builds leave out."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.renderer import Renderer

#: Below `assets/`, and the folder's name in a tree.
CONTAINERS = "containers"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield both as they stand, where a service of the kit is there to be built."""
    if any(service.parts for service in plan.services):
        for path in assets(CONTAINERS):
            yield Artifact(path, asset(path), place=plan.model)


RENDERER = Renderer(
    id="dockerfile",
    phase="containers",
    title="The Dockerfile of every kit service, and its .dockerignore",
    render=render,
    targets=("cluster", "compose", "repository"),
)
