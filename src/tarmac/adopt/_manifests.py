"""Kubernetes manifests: the variables of each deployment, for repositories without compose.

The survey asks; charts and overlays are templates of other tools and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tarmac.adopt import _code, _servers
from tarmac.adopt._compose_parts import Texts
from tarmac.adopt._found import Folder, Service, Store, Survey, valid_name
from tarmac.foreign.data import from_yaml, problem

MOST_FILES = 100
_FOLDERS = re.compile(r"(^|/)(k8s|kube|kubernetes|manifests?|deploy)[^/]*/", re.IGNORECASE)
_KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Deployment:
    """What a deployment says of its first container."""

    image: str
    #: The values that stand there as they are.
    env: Mapping[str, str]


def deployed(root: Folder) -> dict[str, Deployment]:
    """Read every deployment of a repository, by its name."""
    found: dict[str, Deployment] = {}
    files = [f for f in root.files if f.endswith((".yaml", ".yml")) and _FOLDERS.search(f)]
    for file in files[:MOST_FILES]:
        for document in _documents(root, file):
            if document.get("kind") in _KINDS:
                name = str(_at(document, "metadata").get("name") or "")
                found.setdefault(name, _container(document))
    return found


def as_deployed(service: Service, folder: Folder, deployed: Deployment | None) -> Service:
    """Add the variables of its deployment that its code reads."""
    if deployed is None:
        return service
    reads = _code.variables(folder).keys() - {"PORT"}
    return replace(
        service,
        env={**{n: v for n, v in deployed.env.items() if n in reads}, **service.env},
        remarks=(*service.remarks, "values of its deployment among its variables"),
    )


def with_stores(
    found: Survey, manifests: Mapping[str, Deployment], kinds: frozenset[str]
) -> Survey:
    """Add the stores that are deployed beside the services, under the names that they have."""
    own = {service.name for service in found.services}
    stores = tuple(
        Store(valid_name(name), server.kind, _servers.version_of(deployed.image))
        for name, deployed in manifests.items()
        if (server := _servers.of_image(deployed.image)) is not None
        and server.kind in kinds
        and not server.broker
        and valid_name(name) not in own
    )
    return replace(found, stores=stores)


def _documents(root: Folder, file: str) -> Iterator[dict[str, Any]]:
    text = root.read(file)
    try:
        found = from_yaml(text, Texts)
    except yaml.YAMLError as error:
        if "{{" not in text:  # a template is its program's
            (wrong,) = problem(file, error).problems
            root.skip(wrong.where, wrong.what)
        return
    yield from (document for document in found if isinstance(document, dict))


def _container(document: dict[str, Any]) -> Deployment:
    containers = _at(document, "spec", "template", "spec").get("containers")
    first = containers[0] if isinstance(containers, list) and containers else {}
    first = first if isinstance(first, dict) else {}
    entries = first.get("env")
    env = {
        str(entry["name"]): str(entry["value"])
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and "name" in entry and isinstance(entry.get("value"), str)
    }
    return Deployment(str(first.get("image") or ""), env)


def _at(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = value.get(key)
        value = inner if isinstance(inner, dict) else {}
    return value
