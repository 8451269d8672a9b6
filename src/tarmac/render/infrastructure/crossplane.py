"""Crossplane's part of a platform: what a claim of a database is, and what is made for it in AWS.

The files are the platform team's to apply, beside the tree and not with it: an environment without
Crossplane stays whole. A claim takes the classes and the rules that the model has for `servers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact, Format
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts.claims import claim, definition
from tarmac.render.infrastructure.parts.composition import composition
from tarmac.render.renderer import Renderer

FOLDER = "crossplane"
PACKAGES = "xpkg.crossplane.io"
PROVIDER = ("Provider", "upbound-provider-aws-rds", "crossplane-contrib/provider-aws-rds:v1.23.1")
FUNCTION = (
    "Function",
    "function-patch-and-transform",
    "crossplane-contrib/function-patch-and-transform:v0.9.0",
)
NOTES = (
    "kubectl apply -f it once Crossplane 2 runs in crossplane-system; packages.yaml comes first.",
)


def _package(kind: str, name: str, path: str) -> dict[str, Any]:
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"package": f"{PACKAGES}/{path}"},
    }


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield packages, definition and composition, and each claim, where the model offers them."""
    wanted = plan.settings.infrastructure
    if wanted is None or wanted.claims is None or plan.cloud is None:
        return
    made: dict[str, dict[str, Any]] = {
        "provider": _package(*PROVIDER),
        "function": _package(*FUNCTION),
        "definition": definition(plan, wanted.claims),
        "composition": composition(plan, plan.cloud, wanted.claims),
    }
    for name, size in wanted.claims.databases.items():
        made[f"claims/{name}"] = claim(plan, name, size)
    for path, content in made.items():
        file = f"{FOLDER}/{path}.yaml"
        yield Artifact(file, content, plan.model, NOTES, format=Format.YAML)


RENDERER = Renderer(
    id="crossplane",
    phase="portal",
    title="Crossplane's definition of a database by claim, its composition, and the claims",
    render=render,
)
