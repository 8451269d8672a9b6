"""The environments that a pipeline delivers into, in order, and what each asks for."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Literal

from tarmac.model.environment import Environment
from tarmac.plan.cluster import ClusterPlan

#: What came of the tests that the checklist names, as scripts/prove leaves it.
PROVEN = ".tarmac/ci/checklist.xml"
TARMAC = ("uv", "run", "--frozen", "tarmac")
ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(/|$)")


@dataclass(frozen=True)
class Stage:
    """An environment that the pipeline delivers into."""

    name: str
    settings: Environment
    #: `bump`: what was built is written into the GitOps repository; `promote`: what the one before
    #: runs; `release`: a version's tag is put on the images, and an updater writes; `helm`: the
    #: pipeline itself deploys.
    by: Literal["bump", "promote", "release", "helm"]
    #: The one that is delivered into before.
    after: str = ""

    @property
    def path(self) -> str:
        """Where its files are in the GitOps repository."""
        gitops = self.settings.gitops
        return (gitops.path if gitops else None) or f"environments/{self.name}"


def stages(plan: ClusterPlan) -> tuple[Stage, ...]:
    """List the environments that a change goes through, in the model's order; one writer for each.

    An environment with an image updater by the newest build is that one's to write. One without a
    registry is on a developer's machine. A second region gets what its first one runs; where an
    updater writes, it finds the same tags in both.
    """
    found: list[Stage] = []
    for name, environment in plan.environments.items():
        if environment.target != "cluster" or environment.registry is None:
            continue
        if environment.gitops is None or plan.delivery is None or plan.delivery.gitops is None:
            found.append(Stage(name, environment, "helm"))
        elif environment.gitops.updater and environment.standby_of:
            continue
        elif environment.gitops.updater == "semver":
            found.append(Stage(name, environment, "release"))
        elif environment.gitops.updater is None:
            last = next((e.name for e in reversed(found) if e.by in {"bump", "promote"}), "")
            before = environment.standby_of or last
            found.append(Stage(name, environment, "promote" if before else "bump", before))
    return tuple(found)


def asks_checklist(plan: ClusterPlan) -> bool:
    """Tell whether an environment is delivered to only while every checklist item passes."""
    return any(stage.settings.checklist for stage in stages(plan))


def ready(plan: ClusterPlan) -> str:
    """Write the command that ends a deployment while a checklist item is open."""
    return f"{' '.join(TARMAC)} verify {command(plan)} --ready --junit {PROVEN}"


def registry(plan: ClusterPlan) -> str:
    """Name the registry that is pushed to: that of the first environment in a cluster with one."""
    known = (e.registry for e in plan.environments.values() if e.target == "cluster" and e.registry)
    return next(known, plan.system)


def role(plan: ClusterPlan, of: str, does: str) -> str:
    """Name the role by which the pipeline may push to or deploy into what a registry belongs to."""
    found = ECR.match(of)
    return f"arn:aws:iam::{found['account']}:role/{plan.system}-{does}" if found else ""


def command(plan: ClusterPlan) -> str:
    """Name the system as a reader of the repository does on the command line."""
    above = posixpath.dirname(plan.model)
    if posixpath.basename(posixpath.dirname(above)) == "systems":
        return posixpath.basename(above)
    return plan.model if posixpath.basename(plan.model) != "tarmac.yaml" else plan.system
