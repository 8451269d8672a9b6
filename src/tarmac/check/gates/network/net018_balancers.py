"""Annotations for a load balancer are on what is one, and for its own controller."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.routes import ingress_paths
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_PREFIX = "service.beta.kubernetes.io/"
_OF_BALANCERS = re.compile(rf"{re.escape(_PREFIX)}(aws|azure|do|oci|exoscale)-load-?balancer-.*")
_AWS = f"{_PREFIX}aws-load-balancer-"
_ALB = "alb.ingress.kubernetes.io/"
#: Of a health check both controllers have a setting, by these names.
_CHECKS = {
    "healthcheck-path": "healthcheck-path",
    "healthcheck-port": "healthcheck-port",
    "healthcheck-protocol": "healthcheck-protocol",
    "healthcheck-interval": "healthcheck-interval-seconds",
    "healthcheck-timeout": "healthcheck-timeout-seconds",
    "healthcheck-healthy-threshold": "healthy-threshold-count",
    "healthcheck-unhealthy-threshold": "unhealthy-threshold-count",
    "healthcheck-success-codes": "success-codes",
}


def check(files: Files) -> Iterator[Finding]:
    """Yield annotations of Services that nothing reads there."""
    behind = {
        (place_of(ingress), str(path.backend.service))
        for ingress in files.objects("Ingress")
        if _is_of_alb(ingress)
        for path in ingress_paths(ingress)
    }
    for service, key in _judged(files):
        where = service.at("metadata", "annotations", key)
        kind = string(service.data, "spec", "type") or "ClusterIP"
        noted = metadata(service).annotations
        if kind != "LoadBalancer":
            what = f"{title(service)} is of the type {kind}, and {key} is read of LoadBalancers"
            advice = "remove it, or make it one"
            named = (place_of(service), metadata(service).name)
            if named in behind and (other := _CHECKS.get(key.removeprefix(_AWS))):
                advice = f"for the ALB in front of it write {_ALB}{other}"
            yield Finding(where, f"{what}: it does nothing; {advice}", warning=True)
        elif key == f"{_AWS}type" and noted[key] == "nlb" and _is_by_address(service):
            what = f"{title(service)} asks for targets by IP, and its type nlb is that of the"
            said = f"{what} controller in Kubernetes, which knows nodes alone; write external"
            yield Finding(where, said, warning=True)


def _is_by_address(service: Artifact) -> bool:
    """Tell whether a Service asks for targets by IP, and names no controller for that."""
    kind = metadata(service).annotations.get(f"{_AWS}nlb-target-type")
    return kind == "ip" and not string(service.data, "spec", "loadBalancerClass")


def _is_of_alb(ingress: Artifact) -> bool:
    noted = metadata(ingress).annotations
    is_named = string(ingress.data, "spec", "ingressClassName") == "alb"
    return is_named or any(str(key).startswith(_ALB) for key in noted)


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, str]]:
    """Yield the annotations for load balancers, one of each kind of a Service."""
    for service in files.objects("Service"):
        found = [str(k) for k in metadata(service).annotations if _OF_BALANCERS.fullmatch(str(k))]
        is_one = string(service.data, "spec", "type") == "LoadBalancer"
        # Of a Service that is none, one of them says enough: what checks its health, at best.
        first = sorted(found, key=lambda key: "healthcheck" not in key)
        for key in found if is_one else first[:1]:
            yield service, key


GATE = Gate(
    id="NET018",
    title="Annotations for load balancers are on what is one",
    phase="kubernetes",
    source="https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/"
    "annotations: they are for Services of type LoadBalancer, and `external` is the type of this "
    "controller; those of an ALB begin with alb.ingress.kubernetes.io",
    check=check,
    of_files=check,
    scope=counted_in_files("annotations for load balancers", _judged),
    targets=("cluster",),
    reads="annotations of Services beside their type and the Ingresses of ALBs.",
)
