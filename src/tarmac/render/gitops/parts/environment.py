"""What the model says of an environment that Argo CD follows: repository, path, project, names.

Names are unique in one Argo CD, which may follow several environments of a system.
"""

from __future__ import annotations

from tarmac.model.delivery import Gitops
from tarmac.plan.cluster import ClusterPlan


def settings(plan: ClusterPlan) -> Gitops:
    """Give what the model says of it. Raises ValueError where it says nothing."""
    if plan.settings.gitops is None or not repository(plan):
        raise ValueError(f"{plan.environment} is not followed")
    return plan.settings.gitops


def repository(plan: ClusterPlan) -> str:
    """Name the repository that is followed; empty where there is none."""
    return (plan.delivery.gitops or "") if plan.delivery else ""


def registry(plan: ClusterPlan) -> str:
    """Return the addresses of the services' images."""
    return plan.settings.registry or plan.system


def home(plan: ClusterPlan) -> str:
    """Return the path of this environment's files in that repository."""
    return settings(plan).path or f"environments/{plan.environment}"


def project(plan: ClusterPlan) -> str:
    """Name the AppProject of the environment's objects; the model's name where no other has it."""
    own = settings(plan).project
    followed = [e for e in plan.environments.values() if e.gitops and not e.standby_of]
    same = [e for e in followed if e.gitops and own and e.gitops.project == own]
    return own if own and len(same) == 1 else named(plan, own or plan.system)


def named(plan: ClusterPlan, name: str) -> str:
    """Make a name that no other environment of the system has."""
    # A second region has an Argo CD of its own.
    others = [e for e in plan.environments.values() if e.gitops and not e.standby_of]
    return f"{name}-{plan.environment}" if len(others) > 1 else name
