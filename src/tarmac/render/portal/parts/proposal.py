"""The end of the form for a new service: what the forge is sent, and where a reader goes on.

The service joins the repository of the system's code by a change that a person reviews, or it gets
a repository of its own, whose main branch is protected and which the system's file then includes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts.forges import forge_of
from tarmac.render.portal.parts.steps import IS_OWN, NAME, put


def published(plan: ClusterPlan, home: str) -> Iterator[dict[str, Any]]:
    """Yield the steps that hand the files to the forge; none where the forge is not known."""
    forge = forge_of(plan)
    if forge is None or plan.delivery is None:
        return
    about = put("parameters.description")
    yield {
        "id": "publish",
        "name": "Propose it",
        "if": put(f"not ({IS_OWN})"),
        "action": forge.actions.propose,
        "input": {
            "repoUrl": f"{forge.host}?owner={forge.owner}&repo={forge.repository}",
            "branchName": f"new-service/{NAME}",
            "title": f"feat: add {NAME}",
            "description": f"{about}\n\nBefore it is merged: move the entries "
            f"of {home}/{NAME}/tarmac-entry.yaml into {plan.model}.",
            "targetBranchName": plan.delivery.branch,
        },
    }
    yield {
        "id": "own",
        "name": "Make its repository",
        "if": put(IS_OWN),
        "action": forge.actions.publish,
        "input": {
            "repoUrl": f"{forge.host}?owner={forge.owner}&repo={NAME}",
            "repoVisibility": "private",
            "defaultBranch": "main",
            "gitCommitMessage": f"feat: begin {NAME}",
            **forge.actions.protection,
        },
    }


def links(plan: ClusterPlan) -> list[dict[str, Any]]:
    """List where a reader goes on: the change, the service in the catalogue, and in Argo CD."""
    listed: list[dict[str, Any]] = []
    if forge := forge_of(plan):
        listed += [
            {
                "title": "The change",
                "if": put(f"not ({IS_OWN})"),
                "url": put(f"steps.publish.output.{forge.actions.address}"),
            },
            {
                "title": "Its repository",
                "if": put(IS_OWN),
                "url": put("steps.own.output.remoteUrl"),
            },
        ]
    catalogue = f"component:{plan.system}/{NAME}"
    listed.append({"title": "In the catalogue, once merged", "entityRef": catalogue})
    portal = plan.settings.portal
    if portal is not None and portal.argocd:
        url = f"{portal.argocd.rstrip('/')}/applications?search={NAME}"
        listed.append({"title": "In Argo CD, once merged", "url": url})
    return listed


def texts(plan: ClusterPlan) -> list[dict[str, Any]]:
    """List what a person does next, where the service has a repository of its own."""
    if (forge := forge_of(plan)) is None:
        return []
    line = f"`- {{git: {forge.own_repository}.git, revision: main}}`"
    return [
        {
            "title": "What is next",
            "if": put(IS_OWN),
            "content": f"Add {line} to `include` of {plan.model}, and render its pipeline there: "
            "its README.md says how.",
        }
    ]
