"""A Sidecar of Istio names hosts by the namespaces that they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, numbered, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_API = "networking.istio.io"
#: The own namespace, none, and all of them.
_OWN, _OTHERS = ".", ("~", "*", "")


class NamedHost(NamedTuple):
    """A host that a Sidecar lets its pods know: the namespace, and the host in it."""

    artifact: Artifact
    path: Path
    written: str
    space: str
    host: str


def check(files: Files) -> Iterator[Finding]:
    """Yield hosts that are looked for in a namespace where they are not."""
    hosts = list(_hosts(files))
    if not hosts:
        return
    services: dict[str, set[str]] = {}
    for service in files.objects("Service"):
        services.setdefault(name_of(service), set()).add(space_of(service))
    spaces = {name_of(one) for one in files.objects("Namespace")}
    spaces |= {space_of(one) for one in files.objects()}
    written = {
        (space_of(entry), host)
        for entry in files.objects("ServiceEntry")
        for host in texts(fields(entry.data, "spec").get("hosts"))
    }
    for one in hosts:
        where, what = one.artifact.at(*one.path), f"{title(one.artifact)} has the host"
        own = _home(one.host)
        homes = services.get(one.space, set())
        if own and own != one.space and (one.space, one.host) not in written:
            said = f"{what} {one.written}, which looks for it in the namespace {one.space}"
            advice = f"it is of {own}, so its pods do not know it; write {own}/{one.host}"
            yield Finding(where, f"{said}, and {advice}")
        elif one.space not in spaces and homes and "" not in homes:
            home = min(homes)
            said = f"{what} {one.written}, and {one.space} is not a namespace here but the Service"
            advice = f"{home}/{one.space}.{home}.svc.cluster.local"
            yield Finding(where, f"{said} of {home}, so its pods do not know it; write {advice}")


def _home(host: str) -> str:
    """Read the namespace in the whole name of a Service; empty for other hosts."""
    space, _, end = host.partition(".")[2].partition(".")
    is_whole = end in ("svc", "svc.cluster.local") and "*" not in host and "{" not in host
    return space if is_whole else ""


@once
def _hosts(files: Files) -> Iterator[NamedHost]:
    for artifact in files.objects("Sidecar"):
        if group_of(artifact) != _API:
            continue
        for number, listener in numbered(artifact.data, "spec", "egress"):
            for place, written in enumerate(items(listener, "hosts")):
                space, _, host = str(written).partition("/")
                space = space_of(artifact) if space == _OWN else space
                if host and space not in _OTHERS and "{" not in space and "$" not in space:
                    path: Path = ("spec", "egress", number, "hosts", place)
                    yield NamedHost(artifact, path, str(written), space, host)


GATE = Gate(
    id="MSH025",
    title="A Sidecar of Istio names hosts by the namespaces that they are of",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/networking/sidecar/"
    "#IstioEgressListener: a host is namespace/dnsName, and a Service is of its own namespace",
    check=check,
    of_files=check,
    scope=counted_in_files("hosts of Sidecars", _hosts),
    targets=("cluster",),
    reads="hosts of egress listeners of Sidecars, beside Services, ServiceEntries and namespaces.",
)
