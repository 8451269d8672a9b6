"""Ports of Services say their protocol where a mesh looks for it: first in the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import has_sidecars
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds by which a mesh routes what is sent to a namespace.
_ROUTING = ("VirtualService", "DestinationRule", "PeerAuthentication", "AuthorizationPolicy")
_PROTOCOLS = "http|http2|https|grpc|grpc-web|mongo|mysql|redis|tcp|tls|udp"
_FIRST = re.compile(rf"(?:{_PROTOCOLS})(?:-.*)?")
_LAST = re.compile(r".*-(http2?|https|grpc|grpc-web)")


def check(files: Files) -> Iterator[Finding]:
    """Yield ports with their protocol at the end of the name."""
    for service in _meshed(files):
        for number, port in numbered(service.data.get("spec"), "ports"):
            name = string(port, "name")
            found = _LAST.fullmatch(name)
            if found and not _FIRST.fullmatch(name) and not string(port, "appProtocol"):
                what = f"{title(service)} names a port {name}, and Istio reads a protocol at the"
                other = f"{found[1]}-{name.removesuffix(f'-{found[1]}')}"
                advice = f"beginning: it does not know it; write {other}, or appProtocol"
                where = service.at("spec", "ports", number, "name")
                yield Finding(where, f"{what} {advice}: {found[1]}", warning=True)


@once
def _meshed(files: Files) -> Iterator[Artifact]:
    """Yield the Services of namespaces in a mesh of Istio."""
    spaces = {name_of(one) for one in files.objects("Namespace") if has_sidecars(one)}
    spaces |= {
        space_of(one)
        for one in files.objects(*_ROUTING)
        if ".istio.io/" in str(one.data["apiVersion"])
    }
    for service in files.objects("Service") if spaces else ():
        if space_of(service) in spaces:
            yield service


GATE = Gate(
    id="MSH011",
    title="Ports of Services in a mesh begin with their protocol",
    phase="mesh",
    source="https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection: "
    "a port is named PROTOCOL or PROTOCOL-SUFFIX, or has an appProtocol",
    check=check,
    of_files=check,
    scope=counted_in_files("Services in a mesh", _meshed),
    targets=("cluster",),
    reads="names of ports of Services, in namespaces that have sidecars or rules of Istio.",
)
