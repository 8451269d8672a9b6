"""Images: the one Dockerfile of all kit services, and what its builds leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.renderer import Renderer

#: Below `assets/`, and the folder's name in a tree.
CONTAINERS = "containers"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield both as they stand, where a service of the kit is there to be built."""
    if any(service.parts for service in plan.own_services):
        bases = plan.delivery.base_images.model_dump(exclude_none=True) if plan.delivery else {}
        for path in assets(CONTAINERS):
            yield Artifact(path, pinned(asset(path), bases), place=plan.model)


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """Name the images that a Dockerfile begins with by content, too.

    Args:
        digests: `builder` and `runtime`, those that are known -> `sha256:...`.
    """
    for stage, digest in digests.items():
        text = re.sub(rf"(?m)^(ARG {stage.upper()}=.+)$", rf"\1@{digest}", text)
    return text


RENDERER = Renderer(
    id="dockerfile",
    phase="containers",
    title="The Dockerfile of every kit service, and its .dockerignore",
    render=render,
    targets=("cluster", "compose", "repository"),
)
