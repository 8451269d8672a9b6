"""Backstage's entities of one system, from its catalogue; used by the renderer and the template.

Components, APIs and resources are in a namespace of the system's name, so that two systems with an
`api-gateway` stand in one portal. The format is Backstage's:
https://backstage.io/docs/features/software-catalog/descriptor-format
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.plan.catalogue import Catalogue, CatalogueService, team
from tarmac.plan.cluster import ClusterPlan

VERSION = "backstage.io/v1alpha1"
#: The namespace of systems, and of teams that a directory has.
DEFAULT = "default"
#: Behind the name of a service: the API of the events that it publishes.
EVENTS = "events"


def group_reference(plan: ClusterPlan, owner: str) -> str:
    """Refer to the Group of an owner: the system's own, or the directory's."""
    portal = plan.settings.portal
    own = portal is None or portal.groups == "rendered"
    return f"group:{plan.system if own else DEFAULT}/{team(owner)}"


def events_of(service: CatalogueService) -> str:
    """Name the API of the events that a service publishes."""
    return f"{service.name}.{EVENTS}"


def provided(service: CatalogueService) -> list[str]:
    """Name the APIs that a service provides."""
    return [*(api.name for api in service.apis), *([events_of(service)] * bool(service.publishes))]


def consumed(catalogue: Catalogue, service: CatalogueService) -> list[str]:
    """Name the APIs that a service consumes: those of its callees, and of its topics' publishers.

    What a service publishes itself does not count.
    """
    by_name = {one.name: one for one in catalogue.services}
    calls = [api.name for callee in service.calls for api in by_name[callee].apis]
    events = [
        events_of(by_name[name])
        for topic in service.consumes
        for name in catalogue.publishers(topic)
        if name != service.name
    ]
    return list(dict.fromkeys([*calls, *events]))


def metadata(
    name: str, namespace: str, about: str, *, title: str = "", **more: Any
) -> dict[str, Any]:
    """Return an entity's metadata; what is empty is left out."""
    own = {"name": name, "namespace": namespace, "title": title, "description": about, **more}
    return {key: value for key, value in own.items() if value}


def entity(kind: str, meta: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity; empty lists of its specification are left out."""
    kept = {key: value for key, value in spec.items() if value or key in ("children", "type")}
    return {"apiVersion": VERSION, "kind": kind, "metadata": dict(meta), "spec": kept}


def where_found(plan: ClusterPlan, service: CatalogueService) -> dict[str, str]:
    """Return where the portal's plugins find a service: its sources, and its pods."""
    found = {"backstage.io/kubernetes-label-selector": f"app.kubernetes.io/name={service.name}"}
    if service.repository:
        if service.repository.startswith("https://"):
            found["backstage.io/source-location"] = f"url:{service.repository}"
    elif (delivery := plan.delivery) is not None:
        tree = "-/tree" if "gitlab" in delivery.repository.split("/")[2] else "tree"
        folder = next(iter(service.folders), ".")
        below = "" if folder == "." else f"{folder}/"
        found["backstage.io/source-location"] = (
            f"url:{delivery.repository}/{tree}/{delivery.branch}/{below}"
        )
    return found
