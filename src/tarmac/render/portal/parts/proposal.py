"""The end of the form for a new service: the change at the forge, and where a reader goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts.steps import put

#: A forge, as its host is named -> the step that proposes a change there, and its output's address.
FORGES = {
    "github": ("publish:github:pull-request", "remoteUrl"),
    "gitlab": ("publish:gitlab:merge-request", "mergeRequestUrl"),
}


def published(plan: ClusterPlan, home: str) -> Iterator[dict[str, Any]]:
    """Yield the step that proposes the change at the forge; none where the forge is not known."""
    if plan.delivery is None:
        return
    host, _, path = plan.delivery.repository.removeprefix("https://").partition("/")
    owner, _, name = path.removesuffix(".git").rpartition("/")
    service = put("parameters.name")
    shared = {
        "repoUrl": f"{host}?owner={owner}&repo={name}",
        "branchName": f"new-service/{service}",
        "title": f"feat: add {service}",
        "description": f"{put('parameters.description')}\n\nBefore it is merged: move the entries "
        f"of {home}/{service}/tarmac-entry.yaml into {plan.model}.",
    }
    for forge, (action, _) in FORGES.items():
        if forge in host:
            target = {"targetBranchName": plan.delivery.branch}
            yield {
                "id": "publish",
                "name": "Propose it",
                "action": action,
                "input": {**shared, **target},
            }


def links(plan: ClusterPlan) -> list[dict[str, Any]]:
    """List where a reader goes on: the change, the service in the catalogue, and in Argo CD."""
    name = put("parameters.name")
    found: list[dict[str, Any]] = []
    addresses = dict(FORGES.values())
    for step in published(plan, ""):
        address = put(f"steps.{step['id']}.output.{addresses[step['action']]}")
        found.append({"title": "The change", "url": address})
    catalogue = f"component:{plan.system}/{name}"
    found.append({"title": "In the catalogue, once merged", "entityRef": catalogue})
    portal = plan.settings.portal
    if portal is not None and portal.argocd:
        url = f"{portal.argocd.rstrip('/')}/applications?search={name}"
        found.append({"title": "In Argo CD, once merged", "url": url})
    return found
