"""The steps of the form for a new service: what is fetched, by which values, and where it goes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts.skeleton import Skeleton

#: The first port of a new service: below are those that systems usually give their first ones.
FIRST_PORT = 7001
#: A forge, as its host is named -> the step that proposes a change there, and its output's address.
FORGES = {
    "github": ("publish:github:pull-request", "remoteUrl"),
    "gitlab": ("publish:gitlab:merge-request", "mergeRequestUrl"),
}
#: What the chosen database is, or the cache where there is none beside it.
STORE = "parameters.database if parameters.database != 'none' else parameters.cache"


def _put(expression: str) -> str:
    return f"${{{{ {expression} }}}}"


def value_texts(plan: ClusterPlan, home: str, offered: Iterable[Skeleton]) -> dict[str, Any]:
    """Return the values of the placeholders, as expressions over the form's parameters."""
    offered = list(offered)
    kinds = {
        "database": [kind for one in offered for kind in one.stores],
        "cache": [kind for one in offered for kind in one.caches],
        "messaging": [kind for one in offered for kind in one.brokers],
    }
    taken = [port for one in plan.services for port in one.ports.values()]
    folder = posixpath.relpath(home, posixpath.dirname(plan.model) or ".")
    package = "parameters.name | replace('-', '_')"
    return {
        "name": _put("parameters.name"),
        "package": _put(package),
        "description": _put("parameters.description"),
        "owner": _put("(parameters.owner | parseEntityRef).name"),
        "system": plan.system,
        "port": str(max([FIRST_PORT - 1, *taken]) + 1),
        "folder": f"{folder}/{_put('parameters.name')}",
        "calls": "",
        "call_urls": "",
        "topic": f"{_put(package)}.changed",
        "store": _put(STORE),
        "broker": _put("parameters.messaging"),
        **{
            kind: _put(f"parameters.{parameter} == '{kind}'")
            for parameter, known in kinds.items()
            for kind in known
        },
        "cache": _put("parameters.cache != 'none' and parameters.database != 'none'"),
        "publishes": _put("parameters.messaging != 'none'"),
        "consumes": False,
    }


def _when(part: str) -> str:
    """Return the condition under which a part of a skeleton is wanted."""
    kind, _, name = part.partition("-")
    if kind == "store":
        return f"({STORE}) == '{name}'"
    if kind == "broker":
        return f"parameters.messaging == '{name}'"
    if kind == "cache":
        return "parameters.cache != 'none' and parameters.database != 'none'"
    return "true"


def fetches(one: Skeleton, home: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a step for each part of a language's skeleton."""
    for part in one.parts:
        wanted = _when(part)
        condition = f"parameters.language == '{one.language}'"
        yield {
            "id": f"{one.language}-{part}",
            "name": f"{one.about}: {part}",
            "if": _put(condition if wanted == "true" else f"{condition} and {wanted}"),
            "action": "fetch:template",
            "input": {
                "url": f"./skeleton/{one.language}/{part}",
                "targetPath": f"./{home}/{_put('parameters.name')}",
                "templateFileExtension": True,
                "values": dict(values),
            },
        }


def published(plan: ClusterPlan, home: str) -> Iterator[dict[str, Any]]:
    """Yield the step that proposes the change at the forge; none where the forge is not known."""
    if plan.delivery is None:
        return
    host, _, path = plan.delivery.repository.removeprefix("https://").partition("/")
    owner, _, name = path.removesuffix(".git").rpartition("/")
    service = _put("parameters.name")
    shared = {
        "repoUrl": f"{host}?owner={owner}&repo={name}",
        "branchName": f"new-service/{service}",
        "title": f"feat: add {service}",
        "description": f"{_put('parameters.description')}\n\nBefore it is merged: move the entries "
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
    name = _put("parameters.name")
    found: list[dict[str, Any]] = []
    addresses = dict(FORGES.values())
    for step in published(plan, ""):
        address = _put(f"steps.{step['id']}.output.{addresses[step['action']]}")
        found.append({"title": "The change", "url": address})
    catalogue = f"component:{plan.system}/{name}"
    found.append({"title": "In the catalogue, once merged", "entityRef": catalogue})
    portal = plan.settings.portal
    if portal is not None and portal.argocd:
        url = f"{portal.argocd.rstrip('/')}/applications?search={name}"
        found.append({"title": "In Argo CD, once merged", "url": url})
    return found
