"""Where a person is led from an alert or a panel: to a runbook, a dashboard."""

from __future__ import annotations

import hashlib
import re

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import environment

#: The most characters that Grafana takes as a uid.
UID = 40


def page(name: str) -> str:
    """Name the runbook's file: `HighLatency` is `high-latency.md`, `SLOBurn` is `slo-burn.md`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return f"{parted.lower()}.md"


def runbook_url(plan: ClusterPlan, name: str) -> str:
    """Return the URL of an alert's runbook: where the model says, or in the repository."""
    watched, delivery, gitops = plan.settings.observability, plan.delivery, plan.settings.gitops
    if watched and watched.runbooks:
        return f"{watched.runbooks.rstrip('/')}/{page(name)}"
    if delivery and delivery.gitops and gitops:
        folder = environment.home(plan)
        return f"{delivery.gitops}/blob/{gitops.revision}/{folder}/runbooks/{page(name)}"
    if delivery:
        folder = f"{plan.model.rpartition('/')[0]}/deploy/{plan.environment}".lstrip("/")
        return f"{delivery.repository}/blob/{delivery.branch}/{folder}/runbooks/{page(name)}"
    return f"runbooks/{page(name)}"


def whole(plan: ClusterPlan, board: str) -> str:
    """Name a dashboard, however long that is."""
    return f"{plan.system}-{plan.environment}-{board}"


def uid(plan: ClusterPlan, board: str) -> str:
    """Name a dashboard for links: the same at each render, and unique."""
    name = whole(plan, board)
    if len(name) <= UID:
        return name
    return f"{name[: UID - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def board_url(plan: ClusterPlan, board: str) -> str:
    """Return the URL of a dashboard."""
    return f"https://grafana.{plan.domain}/d/{uid(plan, board)}"
