"""The forges for which Backstage has actions, and the one that the system's code is at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts.steps import NAME


@dataclass(frozen=True)
class Actions:
    """The actions of Backstage for a kind of forge."""

    #: Proposes a change, and has its address under this name.
    propose: str
    address: str
    #: Makes a repository, and is told so that its main branch is to be protected.
    publish: str
    protection: Mapping[str, Any]


@dataclass(frozen=True)
class Forge:
    """The forge of the system's code."""

    actions: Actions
    host: str
    owner: str
    repository: str

    @property
    def own_repository(self) -> str:
        """The address that a repository of the new service's own gets."""
        return f"https://{self.host}/{self.owner}/{NAME}"


#: By what is in its host's name.
KINDS = {
    "github": Actions(
        "publish:github:pull-request",
        "remoteUrl",
        "publish:github",
        {"protectDefaultBranch": True, "requiredApprovingReviewCount": 1},
    ),
    # GitLab protects a new project's default branch by itself.
    "gitlab": Actions("publish:gitlab:merge-request", "mergeRequestUrl", "publish:gitlab", {}),
}


def forge_of(plan: ClusterPlan) -> Forge | None:
    """Return the forge of the system's code; None where Backstage has no actions for it."""
    if plan.delivery is None:
        return None
    host, _, path = plan.delivery.repository.removeprefix("https://").partition("/")
    owner, _, name = path.removesuffix(".git").rpartition("/")
    known = (actions for kind, actions in KINDS.items() if kind in host)
    return next((Forge(actions, host, owner, name) for actions in known), None)
