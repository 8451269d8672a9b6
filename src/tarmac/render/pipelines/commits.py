"""The commit rule of a repository, and the hook by which git asks it.

Releases count by conventional commits (`scripts/version-bump.sh`), so a message that is none would
be a version that is never made. The files are those of Tarmac's own repository; the scopes are the
system's services, and what else a change may be of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.pipelines.parts.pipeline import as_json
from tarmac.render.renderer import Renderer

FOLDER = ".githooks"
#: Beside the services; scripts/release.sh and renovate.json write the last two.
ALWAYS = ("infra", "ci", "docs", "release", "deps")


def _own(plan: ClusterPlan) -> dict[str, Any]:
    """Return the repository's own part of the rule; to add a scope, eject the file."""
    return {
        "scopes": list(dict.fromkeys((*(service.name for service in plan.own_services), *ALWAYS)))
    }


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the hook, the rule and its scopes, where anything is delivered."""
    if plan.delivery is None:
        return
    for name in ("commit-msg", "commit_message.py"):
        text = asset(f"githooks/{name}")
        yield Artifact(f"{FOLDER}/{name}", text, plan.model, executable=name == "commit-msg")
    yield Artifact(f"{FOLDER}/rule.json", as_json(_own(plan)), plan.model)


RENDERER = Renderer(
    id="commits",
    phase="foundation",
    title="The commit-message rule, its scopes, and the hook by which git asks it",
    render=render,
    targets=("repository",),
)
