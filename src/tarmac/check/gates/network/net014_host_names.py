"""Pods on the network of their node ask the cluster for the names of its Services."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_OF_CLUSTER = re.compile(r"\b([a-z][\w-]*)\.[a-z][\w-]*\.svc\b")
#: What is written into tokens, or compared with what is: nothing asks for it there.
_ISSUER = re.compile(r"^--?[\w-]*(issuer|audiences?)(-url)?=")
_HOST = re.compile(r"://([a-z][\w-]*)(?=:\d|/|$)|^([a-z][\w-]*)(?=:\d+$)")


def check(files: Files) -> Iterator[Finding]:
    """Yield names of Services that a pod asks the DNS of its node for."""
    services = frozenset(map(name_of, files.objects("Service")))
    for own in _on_hosts(files):
        policy = string(fields(own.artifact.data, *own.path), "dnsPolicy")
        name = next(filter(None, (_named(text, services) for text in _texts(own))), "")
        if name and policy in ("", "ClusterFirst"):
            what = f"{title(own.artifact)} is on the network of its node, and asks its DNS"
            said = f"{what} for {name}, which only the cluster's knows: not found"
            advice = "write dnsPolicy: ClusterFirstWithHostNet"
            yield Finding(own.at("hostNetwork"), f"{said}; {advice}")


def _texts(own: Pods) -> Iterator[str]:
    """Yield what the containers of a pod are told: variables and commands."""
    for container in own.containers:
        yield from (one.text for one in own.variables.of(container).values())
        yield from (word for word in container.words if not _ISSUER.search(word))


def _named(text: str, services: frozenset[str]) -> str:
    if found := _OF_CLUSTER.search(text):
        return found[0]
    hosts = (one or other for one, other in _HOST.findall(text))
    return next((one for one in hosts if one in services), "")


@once
def _on_hosts(files: Files) -> Iterator[Pods]:
    """Yield pods that share the network of their node."""
    yield from (own for own in pods(files) if own.spec.shares("hostNetwork"))


GATE = Gate(
    id="NET014",
    title="Pods on the network of a node find Services by name",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/dns-pod-service: a pod with "
    "hostNetwork needs the policy ClusterFirstWithHostNet, else it asks the DNS of its node",
    check=check,
    of_files=check,
    scope=counted_in_files("pods on the network of a node", _on_hosts),
    targets=("cluster",),
    reads="dnsPolicy of pods with hostNetwork, beside names of Services in variables and commands.",
)
