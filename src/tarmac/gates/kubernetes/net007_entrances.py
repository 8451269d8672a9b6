"""Entrances agree with what comes through them: listeners, hosts, certificates and limits."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.entrances import (
    API,
    gateway_faults,
    ingress_faults,
    route_faults,
)
from tarmac.gates.views.objects.metadata import group_of, title
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield hosts without a certificate or a listener, and listeners that cannot answer."""
    for artifact in _entrances(files):
        kind = artifact.data["kind"]
        if kind == "Ingress":
            found = ingress_faults(artifact)
        elif kind == "Gateway":
            found = gateway_faults(artifact)
        else:
            found = route_faults(files, artifact)
        for path, what in found:
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _entrances(files: Files) -> list[Artifact]:
    of_gateways = [one for one in files.objects("Gateway", "HTTPRoute") if group_of(one) == API]
    return [*files.objects("Ingress"), *of_gateways]


GATE = Gate(
    id="NET007",
    title="Hosts have certificates and listeners, and listeners have what they need",
    phase="kubernetes",
    source="https://gateway-api.sigs.k8s.io/reference/spec: a route that no listener takes is "
    "accepted and serves nothing; a host without a certificate shows the controller's own",
    check=check,
    of_files=lenient(check, "has the host (?!\\*)", "certificate", "every host", "annotations for"),
    scope=counted_in_files("entrances", _entrances),
    targets=("cluster",),
    reads="rules, `tls` and annotations for nginx of Ingress objects; HTTPRoutes beside the "
    "listeners of those Gateways that are in these files.",
)
