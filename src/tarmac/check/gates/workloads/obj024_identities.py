"""Pods of a StatefulSet have the names that others call, and pods of one disk let each other in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items, number, places, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_OF_ONE = ("ReadWriteOncePod", "ReadWriteOnce")


def check(files: Files) -> Iterator[Finding]:
    """Yield sets whose pods have no names, and updates that wait for their own disk."""
    heads = {(space_of(one), name_of(one)): one for one in files.objects("Service")}
    for artifact in files.objects("StatefulSet"):
        name = text(artifact.data, "spec", "serviceName") or ""
        service = heads.get((space_of(artifact), name))
        if service is not None and _has_address(service):
            yield from _nameless(artifact, service, name)
    claims = {(space_of(one), name_of(one)): one for one in files.objects("PersistentVolumeClaim")}
    for own in pods(files, "Deployment"):
        yield from _waiting(own, claims)


def _has_address(service: Artifact) -> bool:
    """Tell whether a Service has one address for all of its pods."""
    is_plain = text(service.data, "spec", "type") in (None, "ClusterIP", "NodePort", "LoadBalancer")
    return (
        is_plain
        and dig(service.data, "spec", "clusterIP") != "None"
        and bool(Service(service).selector)
    )


def _nameless(artifact: Artifact, service: Artifact, name: str) -> Iterator[Finding]:
    set_name = re.escape(name_of(artifact))
    called = re.compile(rf"\b{set_name}-(\d+|\$\w+|\$\{{\w+\}}|\$\(\w+\))\.{re.escape(name)}\b")
    found = next((m for _, one in places(artifact.data) if (m := called.search(one))), None)
    if found is None and (number(artifact.data, "spec", "replicas") or 1) < 2:
        return
    needed = f"calls {found[0]}" if found else "is to give each pod a name"
    what = f"{title(artifact)} {needed}, and DNS has names of pods only for a Service without an"
    yield Finding(
        service.at("spec"),
        f"{what} address; write clusterIP: None in {title(service)}",
        warning=found is None,
    )


def _waiting(own: Pods, claims: dict[tuple[str, str], Artifact]) -> Iterator[Finding]:
    """Yield Deployments whose new pod needs a disk that the old one keeps until it is ready."""
    spec: Any = dig(own.artifact.data, "spec")
    if dig(spec, "strategy", "type") == "Recreate" or dig(spec, "replicas") == 0:
        return
    for volume in own.spec.volumes:
        claim = claims.get((space_of(own.artifact), volume.claim or ""))
        modes = items(claim.data, "spec", "accessModes") if claim is not None else ()
        if claim is None or len(modes) != 1 or modes[0] not in _OF_ONE:
            continue
        is_alone, many = modes[0] == _OF_ONE[0], number(spec, "replicas") or 1
        keeps = dig(spec, "strategy", "rollingUpdate", "maxUnavailable")
        if many == 1 and keeps not in (None, 0, "0", "0%", "25%"):
            return  # the old pod may end first
        users = "one pod" if is_alone else "pods of one node"
        what = f"{title(own.artifact)} mounts {name_of(claim)}, which is for {users}"
        if many > 1:
            what += f", and has {many}"
            advice = "make it a StatefulSet with a claim for each"
        else:
            what += ": an update starts the new pod first, which waits for the old one's disk"
            advice = "write strategy: {type: Recreate}"
        where = own.artifact.at("spec", "strategy" if "strategy" in spec else "template")
        yield Finding(where, f"{what}; {advice}", warning=not is_alone)
        return


def _judged(files: Files) -> Iterator[object]:
    yield from files.objects("StatefulSet")
    yield from (own for own in pods(files, "Deployment") if any(v.claim for v in own.spec.volumes))


GATE = Gate(
    id="OBJ024",
    title="Pods have the names that are called, and let each other have their disk",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id",
    check=check,
    of_files=check,
    scope=counted_in_files("StatefulSets, and Deployments with claims", _judged),
    targets=("cluster",),
    reads="the Service that a StatefulSet names, and claims of Deployments that one node or one "
    "pod may mount. A disk for one node is a warning: both pods may be there.",
)
