"""A load balancer of AWS that goes through nodes has Services with ports of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import NamedNeighbours
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_ALB = "alb.ingress.kubernetes.io/"
_TARGET = f"{_ALB}target-type"
_OLD = "kubernetes.io/ingress.class"
#: The name of a port for which an annotation says what is done.
_ANNOTATED = "use-annotation"
#: By these the usual kind of target is another one.
_MOVED = re.compile(r"default-?target-?type", re.IGNORECASE)
#: Clusters in which AWS itself runs the controller.
_MANAGED = "eks.amazonaws.com"


class AlbPath(NamedTuple):
    """A path of an Ingress of an ALB, and the Service that it leads to."""

    ingress: Artifact
    where: str
    service: str


def check(files: Files) -> Iterator[Finding]:
    """Yield Services without a port of nodes behind an ALB that goes through these."""
    paths = list(_paths(files))
    if not paths or any(_moved(files)):
        return
    near = NamedNeighbours(files.objects("Service"))
    told = set[str]()
    for one in paths:
        own = near.named(one.service, one.ingress)
        asked = str(metadata(one.ingress).annotations.get(_TARGET, "instance"))
        if own is None or asked != "instance" or one.ingress.at() + one.service in told:
            continue
        kind = string(own.data, "spec", "type") or "ClusterIP"
        if kind == "ClusterIP" and metadata(own).annotations.get(_TARGET) != "ip":
            told.add(one.ingress.at() + one.service)
            said = "says instance" if _TARGET in metadata(one.ingress).annotations else "says none"
            what = f"{title(one.ingress)} goes through ports of nodes ({_TARGET} {said}), and"
            why = f"{title(own)} is a ClusterIP, which has none: there is no target, so nothing is"
            advice = f"reached; write {_TARGET}: ip, or type: NodePort"
            yield Finding(one.where, f"{what} {why} {advice}", warning=True)


@once
def _paths(files: Files) -> Iterator[AlbPath]:
    for ingress in files.objects("Ingress"):
        noted = metadata(ingress).annotations
        name = string(ingress.data, "spec", "ingressClassName") or str(noted.get(_OLD, ""))
        if name != "alb" and (name or not any(str(key).startswith(_ALB) for key in noted)):
            continue
        where = ingress.at("metadata", "annotations", _TARGET)
        for _, rule in numbered(dig(ingress.data, "spec"), "rules"):
            for _, path in numbered(dig(rule, "http"), "paths"):
                port = string(path, "backend", "service", "port", "name")
                if (service := string(path, "backend", "service", "name")) and port != _ANNOTATED:
                    yield AlbPath(ingress, where, service)


@once
def _moved(files: Files) -> Iterator[bool]:
    """Yield what gives Ingresses another kind of target, for the class or by the controller."""
    for one in files.objects("IngressClassParams", "IngressClass"):
        is_managed = _MANAGED in str(one.data.get("apiVersion"))
        is_managed = is_managed or _MANAGED in string(one.data, "spec", "controller")
        if is_managed or "targetType" in fields(one.data, "spec"):
            yield True
    for one in files.artifacts:
        if isinstance(one.content, str):
            if one.path.endswith((".tf", ".sh", ".tpl", "Makefile")) and _MOVED.search(one.content):
                yield True
            continue
        is_read = not one.is_object or one.data.get("kind") in ("HelmRelease", "Application")
        if is_read and _MOVED.search(str(one.data)):
            yield True


GATE = Gate(
    id="NET053",
    title="An ALB that goes through nodes has Services with ports of nodes",
    phase="kubernetes",
    source="https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/"
    "annotations/#target-type: instance is the default, and needs NodePort or LoadBalancer",
    check=check,
    of_files=check,
    scope=counted_in_files("paths of an ALB", _paths),
    targets=("cluster",),
    reads="Ingresses of the class alb beside their Services. A controller elsewhere may have "
    "another default, so all are warnings.",
)
