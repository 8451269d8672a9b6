"""Backstage's catalogue: entities of the system, and the file by which Backstage finds them.

`catalog-info.yaml` in the repository's root is a Location, where every discovery of Backstage
looks; it names one file for each entity. They stand in the code's repository because a system has
one catalogue, however many environments it runs in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base.artifact import Artifact, Format, dump
from tarmac.plan.catalogue import CatalogueService, team
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.portal.parts import entities as e
from tarmac.render.portal.parts.asyncapi import asyncapi
from tarmac.render.renderer import Renderer

FOLDER = "catalog"
FILE = "catalog-info.yaml"
#: What the renderer of the form writes.
TEMPLATE = f"{FOLDER}/template/new-service.yaml"


def _file(content: dict[str, Any], place: str) -> Artifact:
    meta = content["metadata"]
    path = f"{FOLDER}/{content['kind'].lower()}/{meta['name']}.yaml"
    return Artifact(path, content, place=place, format=Format.YAML)


def _group(plan: ClusterPlan, owner: str) -> dict[str, Any]:
    meta = e.metadata(team(owner), plan.system, f"{owner} in {plan.model}")
    return e.entity("Group", meta, {"type": "team", "children": []})


def _spec_of(plan: ClusterPlan, owner: str) -> dict[str, Any]:
    portal = plan.settings.portal
    return {
        "lifecycle": portal.lifecycle if portal else "production",
        "owner": e.group_reference(plan, owner),
        "system": f"system:{e.DEFAULT}/{plan.system}",
    }


def _component(plan: ClusterPlan, service: CatalogueService) -> dict[str, Any]:
    here = plan.system
    meta = e.metadata(service.name, here, service.about, annotations=e.where_found(plan, service))
    spec = {
        "type": "service",
        **_spec_of(plan, service.owner),
        "providesApis": [f"api:{here}/{name}" for name in e.provided(service)],
        "consumesApis": [f"api:{here}/{name}" for name in e.consumed(plan.catalogue, service)],
        "dependsOn": [
            *(f"component:{here}/{name}" for name in service.calls),
            *(f"resource:{here}/{name}" for name in (*service.stores, *service.externals)),
        ],
    }
    return e.entity("Component", meta, spec)


def _apis(plan: ClusterPlan, service: CatalogueService) -> Iterator[dict[str, Any]]:
    shared = _spec_of(plan, service.owner)
    for api in service.apis:
        # From the entity's own file: Backstage reads it whenever it reads the entity.
        path = posixpath.relpath(api.path, f"{FOLDER}/api")
        spec = {"type": api.kind, **shared, "definition": {"$text": path}}
        about = f"What {service.name} answers, as its code describes it"
        yield e.entity("API", e.metadata(api.name, plan.system, about), spec)
    if service.publishes:
        document = dump(asyncapi(plan.catalogue, service, plan.settings.version))
        spec = {"type": "asyncapi", **shared, "definition": document}
        about = f"What {service.name} publishes"
        yield e.entity("API", e.metadata(e.events_of(service), plan.system, about), spec)


def _resources(plan: ClusterPlan) -> Iterator[Artifact]:
    shared = {k: v for k, v in _spec_of(plan, plan.catalogue.owner).items() if k != "lifecycle"}
    for store in plan.catalogue.stores:
        meta = e.metadata(store.name, plan.system, store.about)
        yield _file(e.entity("Resource", meta, {"type": store.kind, **shared}), store.place)
    for name, hosts in plan.externals.items():
        meta = e.metadata(name, plan.system, ", ".join(hosts))
        yield _file(e.entity("Resource", meta, {"type": "external", **shared}), plan.model)


def _entities(plan: ClusterPlan) -> Iterator[Artifact]:
    portal, known = plan.settings.portal, plan.catalogue
    owner = e.group_reference(plan, known.owner)
    if portal is not None and portal.groups == "rendered":
        for name in {team(owner): owner for owner in known.owners}.values():
            yield _file(_group(plan, name), plan.model)
    about = f"{len(known.services)} services and {len(known.stores)} stores"
    meta = e.metadata(plan.system, e.DEFAULT, about)
    yield _file(e.entity("System", meta, {"owner": owner}), plan.model)
    for service in known.services:
        yield _file(_component(plan, service), service.place)
        for api in _apis(plan, service):
            yield _file(api, service.place)
    yield from _resources(plan)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield an entity a file, and the Location of all, where the environment has a portal."""
    if plan.settings.portal is None:
        return
    made = [*_entities(plan)]
    meta = e.metadata(plan.system, e.DEFAULT, f"Rendered from {plan.model}")
    targets = [f"./{artifact.path}" for artifact in made]
    if plan.settings.portal.template:
        targets.append(f"./{TEMPLATE}")
    location = e.entity("Location", meta, {"targets": targets})
    yield Artifact(FILE, location, place=plan.model, format=Format.YAML)
    yield from made


RENDERER = Renderer(
    id="backstage",
    phase="portal",
    title="Backstage's entities of the system: services, APIs, stores, owners, relations",
    render=render,
    targets=("repository",),
)
