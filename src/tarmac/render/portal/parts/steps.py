"""The steps of the form for a new service: what is fetched, by which values."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts.skeleton import Skeleton

#: The first port of a new service: below are those that systems usually give their first ones.
FIRST_PORT = 7001
NAME = "${{ parameters.name }}"
#: Whether the service gets a repository of its own.
IS_OWN = "parameters.repository == 'own'"
#: What the chosen database is, or the cache where there is none beside it.
STORE = "parameters.database if parameters.database != 'none' else parameters.cache"


def put(expression: str) -> str:
    """Write an expression as the scaffolder reads it."""
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
        "name": NAME,
        "package": put(package),
        "description": put("parameters.description"),
        "owner": put("(parameters.owner | parseEntityRef).name"),
        "system": plan.system,
        "model": plan.model,
        "port": str(max([FIRST_PORT - 1, *taken]) + 1),
        "folder": f"{folder}/{NAME}",
        "calls": "",
        "call_urls": "",
        "topic": f"{put(package)}.changed",
        "store": put(STORE),
        "broker": put("parameters.messaging"),
        **{
            kind: put(f"parameters.{parameter} == '{kind}'")
            for parameter, known in kinds.items()
            for kind in known
        },
        "cache": put("parameters.cache != 'none' and parameters.database != 'none'"),
        "publishes": put("parameters.messaging != 'none'"),
        "consumes": False,
    }


def _when(part: str, address: str | None) -> str:
    """Return the condition under which a part of a skeleton is wanted."""
    kind, _, name = part.partition("-")
    if kind == "repository":
        return IS_OWN
    if kind == "entry" and address:
        return f"not ({IS_OWN})"
    if kind == "store":
        return f"({STORE}) == '{name}'"
    if kind == "broker":
        return f"parameters.messaging == '{name}'"
    if kind == "cache":
        return "parameters.cache != 'none' and parameters.database != 'none'"
    return "true"


def fetches(
    one: Skeleton, home: str, values: Mapping[str, Any], address: str | None
) -> Iterator[dict[str, Any]]:
    """Yield a step for each part of a language's skeleton.

    Args:
        address: where a repository of the service's own would be; None where the form offers none.
    """
    service = f"{home}/{NAME}"
    for part in one.parts:
        is_root = part == "repository"
        if is_root and not address:
            continue
        wanted = _when(part, address)
        condition = f"parameters.language == '{one.language}'"
        yield {
            "id": f"{one.language}-{part}",
            "name": f"{one.about}: {part}",
            "if": put(condition if wanted == "true" else f"{condition} and {wanted}"),
            "action": "fetch:template",
            "input": {
                "url": f"./skeleton/{one.language}/{part}",
                "targetPath": "." if is_root else f"./{service}",
                "templateFileExtension": True,
                "values": {
                    **values,
                    **({"folder": service, "repository": address} if is_root else {}),
                },
            },
        }
