"""A user without rights listens at a port that it may bind."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_FIRST_FREE = 1024
_SETTING = "net.ipv4.ip_unprivileged_port_start"
_RIGHTS = ("NET_BIND_SERVICE", "ALL")


def check(files: Files) -> Iterator[Finding]:
    """Yield ports below 1024 of containers that run as a user without the right to bind them."""
    for own, container in _without_rights(files):
        for number, port in enumerate(container.ports):
            if port.number is not None and 0 < port.number < _FIRST_FREE:
                user = container.security.over(own.spec.security).user
                what = f"{title(own.artifact)}: {container.name} listens at {port.number} as user"
                said = f"{what} {user} without capabilities, which many nodes refuse"
                advice = f"listen above {_FIRST_FREE}, or set the sysctl {_SETTING}"
                yield Finding(container.at("ports", number), f"{said}; {advice}", warning=True)


@once
def _without_rights(files: Files) -> Iterator[tuple[Pods, Container]]:
    """Yield containers of users that are not root, and that have no right to bind low ports."""
    for own in pods(files):
        spec = fields(own.artifact.data, *own.path, "securityContext")
        if any(string(one, "name") == _SETTING for one in items(spec, "sysctls")):
            continue
        for container in own.main_containers:
            is_plain = "ALL" in container.security.dropped
            has_right = any(one in container.security.added for one in _RIGHTS)
            if container.security.over(own.spec.security).user and is_plain and not has_right:
                yield own, container


GATE = Gate(
    id="SEC020",
    title="Users without rights listen at ports that they may bind",
    phase="security",
    source="https://man7.org/linux/man-pages/man7/ip.7.html: ip_unprivileged_port_start is 1024, "
    "and below it a process needs CAP_NET_BIND_SERVICE; runtimes differ in what they set",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("containers without rights", _without_rights),
    targets=("cluster",),
    reads="runAsUser, capabilities and ports of containers, and sysctls of their pods.",
)
