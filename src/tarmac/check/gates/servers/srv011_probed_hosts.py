"""A server that takes requests for some hosts alone takes those of its probes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: The hosts that a server answers for, as Django and others name them.
_HOSTS = re.compile(r"(\w+_)?ALLOWED_HOSTS", re.IGNORECASE)
#: By these a pod's own address is taken, too.
_ADDRESSES = re.compile(r"(\w+_)?(ALLOWED_CIDR\w*|POD_IPS?)", re.IGNORECASE)
#: A list of names as it stands; an address, a `*` and what is filled in are none.
_NAMES = re.compile(r"[\s\[\]\"',;]*([A-Za-z.][\w.:-]*[\s\[\]\"',;]*)+")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


class HostProbe(NamedTuple):
    """A container that is told of its hosts and asked by HTTP."""

    own: Pods
    container: Container
    variable: str
    hosts: str
    #: The probes that send the address of the pod as their host.
    plain: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield probes whose host is not among those that a server answers for."""
    for one in _probed(files):
        if one.plain and _NAMES.fullmatch(one.hosts):
            first = one.plain[0]
            what = f"{one.container.title} of {title(one.own.artifact)} answers for {one.variable}"
            said = f"{what} {one.hosts}, and its {first} asks for the pod's address: that"
            advice = "is refused with 400; write a header Host into httpGet"
            where = one.container.at(first)
            yield Finding(where, f"{said} {advice}", warning=True)


@once
def _probed(files: Files) -> Iterator[HostProbe]:
    for own in pods(files):
        for container in own.main_containers:
            asked = [key for key in _PROBES if fields(container.data, key, "httpGet")]
            texts = own.variables.of(container) if asked else {}
            name = next((one for one in texts if _HOSTS.fullmatch(one)), "")
            if name and not any(map(_ADDRESSES.fullmatch, own.variables.names(container))):
                plain = tuple(key for key in asked if not _names_host(container, key))
                yield HostProbe(own, container, name, texts[name].text, plain)


def _names_host(container: Container, probe: str) -> bool:
    """Tell whether a probe says for which host it asks."""
    asked = fields(container.data, probe, "httpGet")
    headers = (string(one, "name").lower() for one in items(asked, "httpHeaders"))
    return "host" in headers or bool(asked.get("host"))


GATE = Gate(
    id="SRV011",
    title="A server that takes requests for some hosts alone takes those of its probes",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/settings/#allowed-hosts: a request for "
    "another host is answered with 400; https://kubernetes.io/docs/tasks/configure-pod-container/"
    "configure-liveness-readiness-startup-probes/#http-probes: Host is the pod's address",
    check=check,
    of_files=check,
    scope=counted_in_files("containers with hosts and probes", _probed),
    targets=(),
    reads="variables ALLOWED_HOSTS of containers, from ConfigMaps and Secrets here as well, beside "
    "httpGet of their probes. Whether a program adds its own address is not known, so all are "
    "warnings. Judges files without a plan only.",
)
