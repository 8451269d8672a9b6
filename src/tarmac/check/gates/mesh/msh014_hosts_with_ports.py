"""Envoy takes the host as its callers write it, with the port."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import inner_port, listed
from tarmac.check.gates.views.compose.ports import outer_ports
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_URL = re.compile(r"https?://([A-Za-z0-9][\w.-]*):(\d{2,5})(?![\d.])")
#: Ports that no caller writes behind the host.
_USUAL = {"80", "443"}
_STRIPS = ("strip_any_host_port", "strip_matching_host_port")


class HostRoutes(NamedTuple):
    """The routes of a listener, by hosts."""

    artifact: Artifact
    path: Path
    port: str
    domains: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield hosts that callers ask with a port, and Envoy knows without it."""
    found = list(_judged(files))
    asked = dict(_asked(files)) if found else {}
    published = _published(files) if found else {}
    for one in found:
        for number, domain in enumerate(one.domains):
            # By the name of a Service it is perhaps that one that is asked, and not Envoy.
            if "." not in domain or ".svc" in domain:
                continue
            ports = {one.port, *published.get(one.port, ())} - _USUAL
            for port in sorted(ports):
                by = asked.get((domain, port))
                if by and not any(_takes(name, f"{domain}:{port}") for name in one.domains):
                    what = f"{by} asks {domain}:{port}, and sends that as the host, with the port;"
                    said = f"{what} no domain here is the same, so Envoy answers 404; write"
                    where = one.artifact.at(*one.path, number)
                    yield Finding(where, f'{said} "{domain}:*", too')


def _takes(pattern: str, host: str) -> bool:
    if pattern.endswith("*") and host.startswith(pattern[:-1]):
        return True
    return pattern == host or (pattern.startswith("*") and host.endswith(pattern[1:]))


def _asked(files: Files) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield hosts and ports that variables name, with what has the variable."""
    for service in compose_services(files):
        for value in service.environment.values():
            for host, port in _URL.findall(str(value)):
                yield (host, port), f"service {service.name}"
    for own in pods(files):
        for container in own.main_containers:
            for text in own.variables.of(container).values():
                for host, port in _URL.findall(text.text):
                    yield (host, port), title(own.artifact)


def _published(files: Files) -> dict[str, set[str]]:
    """List the ports of hosts that lead to each port of a container."""
    found: dict[str, set[str]] = {}
    for service in compose_services(files):
        is_envoy = service.dockerfile is not None or "envoy" in (service.image or "")
        for entry in listed(dig(service.data, "ports")) if is_envoy else ():
            inner = entry.get("target") if isinstance(entry, Mapping) else inner_port(str(entry))
            outer = {port for _, port, _ in outer_ports(entry)}
            found.setdefault(str(inner), set()).update(outer)
    return found


@once
def _judged(files: Files) -> Iterator[HostRoutes]:
    for artifact in files.artifacts:
        if artifact.is_object:
            continue
        for number, listener in numbered(artifact.data, "static_resources", "listeners"):
            port = str(dig(listener, "address", "socket_address", "port_value"))
            at: Path = ("static_resources", "listeners", number)
            # An answer for the host may be in what the listener takes from elsewhere.
            for path, node in _nodes(listener, at):
                hosts = numbered(node, "route_config", "virtual_hosts")
                if any(node.get(key) for key in _STRIPS) or dig(node, "strip_port_mode"):
                    continue
                domains = [one for _, host in hosts for one in texts(host.get("domains"))]
                for place, host in hosts if "*" not in domains else ():
                    own: Path = (*path, "route_config", "virtual_hosts", place, "domains")
                    yield HostRoutes(artifact, own, port, tuple(texts(host.get("domains"))))


def _nodes(value: Any, path: Path) -> Iterator[tuple[Path, Fields]]:
    """Yield the settings of the filters of a listener."""
    for number, chain in numbered(value, "filter_chains"):
        for place, one in numbered(chain, "filters"):
            if string(one, "name"):
                at: Path = (*path, "filter_chains", number, "filters", place, "typed_config")
                yield at, fields(one, "typed_config")


GATE = Gate(
    id="MSH014",
    title="Envoy takes the host as its callers write it",
    phase="mesh",
    source="https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components."
    "proto#config-route-v3-virtualhost: domains are compared with the whole host and its port",
    check=check,
    of_files=check,
    scope=counted_in_files("virtual hosts of Envoy", _judged),
    targets=(),
    reads="domains of listeners beside variables of Compose services and pods that name them with "
    "the port of the listener, or one that is published for it. Judges files without a plan only.",
)
