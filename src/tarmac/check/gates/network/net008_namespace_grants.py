"""What a Gateway's route or listener names in another namespace is granted there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.foreign_references import (
    API,
    ROUTES,
    ForeignReference,
    crossings,
    of_api,
)
from tarmac.check.gates.views.objects.metadata import (
    group_of,
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.scope import counted_in_files

#: A label that the API server gives each namespace.
_NAME = "kubernetes.io/metadata.name"


def check(files: Files) -> Iterator[Finding]:
    """Yield references that no ReferenceGrant allows, and routes that their Gateway turns away."""
    grants: dict[str, list[Artifact]] = {}
    for grant in files.objects("ReferenceGrant"):
        grants.setdefault(space_of(grant), []).append(grant)
    spaces = {space_of(artifact) for artifact in files.objects()}
    gateways = {
        (space_of(own), name_of(own)): own
        for own in files.objects("Gateway")
        if group_of(own) == API and space_of(own)
    }
    for one in crossings(files):
        # Where nothing of that namespace is kept here, its grants are elsewhere as well.
        there = [*grants.get(one.space, ()), *grants.get("", ())]
        is_asked = one.space in spaces and not _is_of_lattice(one.artifact, gateways)
        if is_asked and not any(_allows(grant, one) for grant in there):
            what = f"{title(one.artifact)} names {one.kind} {one.name} of the namespace {one.space}"
            why = "where no ReferenceGrant allows it, so it is not followed"
            where = one.artifact.at(*one.path)
            yield Finding(where, f"{what}, {why}; add a grant in {one.space}")
    labels = {name_of(own): metadata(own).labels for own in files.objects("Namespace")}
    for artifact in of_api(files, *ROUTES):
        yield from _turned_away(artifact, gateways, labels)


def _is_of_lattice(artifact: Artifact, gateways: Mapping[tuple[str, str], Artifact]) -> bool:
    """Tell whether a route is of a Gateway of VPC Lattice, whose controller asks for no grant."""
    for parent in items(artifact.data, "spec", "parentRefs"):
        space = string(parent, "namespace") or space_of(artifact)
        gateway = gateways.get((space, string(parent, "name")))
        if gateway and string(gateway.data, "spec", "gatewayClassName") == "amazon-vpc-lattice":
            return True
    return False


def _allows(grant: Artifact, one: ForeignReference) -> bool:
    own, spec = one.artifact, fields(grant.data, "spec")
    is_from = any(
        (string(e, "group"), string(e, "kind"), string(e, "namespace"))
        == (group_of(own), kind_of(own), space_of(own))
        for _, e in numbered(spec, "from")
    )
    is_to = any(
        (string(e, "group"), string(e, "kind")) == (one.group, one.kind)
        and string(e, "name") in ("", one.name)
        for _, e in numbered(spec, "to")
    )
    return space_of(grant) in ("", one.space) and is_from and is_to


def _turned_away(
    artifact: Artifact,
    gateways: dict[tuple[str, str], Artifact],
    labels: dict[str, Fields],
) -> Iterator[Finding]:
    """Yield parents whose listeners take no route of this namespace."""
    own = space_of(artifact)
    for number, parent in numbered(artifact.data, "spec", "parentRefs"):
        space = string(parent, "namespace") or own
        gateway = gateways.get((space, string(parent, "name")))
        if gateway is None or string(parent, "kind") not in ("", "Gateway"):
            continue
        section = string(parent, "sectionName")
        taken = [
            one
            for one in items(gateway.data, "spec", "listeners")
            if section in ("", string(one, "name"))
        ]
        if taken and not any(_takes(one, own, space, labels) for one in taken):
            admitted = " or ".join(sorted({_admitted(one) for one in taken}))
            what = f"{title(artifact)} is of the namespace {own}, and {title(gateway)} takes routes"
            where = artifact.at("spec", "parentRefs", number)
            advice = "write `allowedRoutes.namespaces` of the listener"
            yield Finding(where, f"{what} of {admitted} only, so it serves nothing; {advice}")


def _takes(listener: Fields, own: str, space: str, labels: dict[str, Fields]) -> bool:
    admits = fields(listener, "allowedRoutes", "namespaces")
    match admits.get("from", "Same"):
        case "Same":
            return own == space
        case "Selector":
            # Labels of a namespace that is made elsewhere are not known.
            known = labels.get(own)
            selector = fields(admits, "selector")
            if known is None and set(fields(selector, "matchLabels")) - {_NAME}:
                return True
            return (known is None and "matchExpressions" in selector) or selects(
                selector, {**(known or {}), _NAME: own}
            )
        case _:
            return True


def _admitted(listener: Fields) -> str:
    admits = fields(listener, "allowedRoutes", "namespaces")
    return "selected namespaces" if admits.get("from") == "Selector" else "its own namespace"


def _judged(files: Files) -> Iterator[object]:
    yield from crossings(files)
    for artifact in of_api(files, *ROUTES):
        yield from items(artifact.data, "spec", "parentRefs")


GATE = Gate(
    id="NET008",
    title="What a route or listener names in another namespace is granted there",
    phase="kubernetes",
    source="https://gateway-api.sigs.k8s.io/api-types/referencegrant: without a grant a backend of "
    "another namespace is answered by 500, and a listener takes routes of its own namespace only",
    check=check,
    of_files=check,
    scope=counted_in_files("references between namespaces", _judged),
    targets=("cluster",),
    reads="backends of routes, certificates of Gateways, ReferenceGrants, and `allowedRoutes` "
    "beside the labels of those namespaces that are in these files.",
)
