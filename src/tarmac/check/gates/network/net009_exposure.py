"""What every address reaches is meant for it: no store, and nothing by which one manages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, space_of, title
from tarmac.check.gates.views.objects.services import Service, ServicePort
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Annotations by which a balancer is inside of a network only, or for some addresses.
_INSIDE = re.compile(
    r"internal|load-?balancer-type-internal|scheme|ip-mode|private|tailscale|metallb|lb-ipam|vpn"
    r"|source-ranges|load-balancer-ip|loadbalancerips|external-subnet"
)
_MANAGEMENT = re.compile(r"(.*-)?(management|mgmt|actuator|admin|debug|pprof|jmx)(-.*)?")
#: What a program is told to manage itself by, at a port that its variables name.
_PORT_OF = re.compile(r"MANAGEMENT_(SERVER_)?PORT|MANAGEMENT_PORT|ADMIN_PORT|DEBUG_PORT")
#: A way in that asks for no name: what its arguments say.
_OPEN = {
    "--api.insecure=true": 8080, "--api.insecure": 8080, "--insecure-port": 8080,
    "--enable-skip-login": 9090, "--web.enable-admin-api": 9090, "--web.enable-lifecycle": 9090,
}  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield public balancers that lead to a store, or to where a program is managed."""
    running: dict[str, list[Pods]] = {}
    for one in pods(files):
        running.setdefault(space_of(one.artifact), []).append(one)
    for artifact in _public(files):
        service = Service(artifact)
        own = [
            one
            for one in running.get(space_of(artifact), ())
            if service.selector and service.selector.items() <= one.labels.items()
        ]
        for number, port in enumerate(service.ports):
            if what := _danger(port, own):
                text = f"{title(artifact)} opens port {port.number} to every address, {what}"
                advice = "make it a ClusterIP, or write loadBalancerSourceRanges"
                yield Finding(
                    artifact.at("spec", "ports", number), f"{text}; {advice}", warning=True
                )


def _public(files: Files) -> Iterator[Artifact]:
    """Yield the Services that a cloud opens to all."""
    for artifact in files.objects("Service"):
        spec = fields(artifact.data, "spec")
        noted = [f"{key}={value}" for key, value in metadata(artifact).annotations.items()]
        is_inside = any(_INSIDE.search(one.lower()) for one in noted) or spec.get("loadBalancerIP")
        is_asked = string(spec, "loadBalancerClass") or items(spec, "loadBalancerSourceRanges")
        if string(spec, "type") == "LoadBalancer" and not is_inside and not is_asked:
            yield artifact


def _danger(port: ServicePort, own: list[Pods]) -> str:
    """Say what is behind a port that is not for everyone; "" where nothing is known of it."""
    stores = published("exposure")["stores"]
    for one in own:
        for container in one.main_containers:
            name = container.image_name.rpartition("/")[2]
            target = one.port(port.target)
            known = stores.get(name)
            if known and (target or port.number) in known:
                return f"which leads to {name}, a store"
            for variable in container.data.get("env") or ():
                is_told = _PORT_OF.fullmatch(string(variable, "name"))
                if is_told and str(fields(variable).get("value")) == str(target or port.number):
                    return f"by which {one.kind} {one.name} is managed"
            for word, opened in _OPEN.items():
                if word in container.arguments and opened == (target or port.target):
                    return f"at which {one.kind} {one.name} answers without a login ({word})"
    if port.name is not None and _MANAGEMENT.fullmatch(port.name) and len(port.name) > 3:
        return f"which is called {port.name}, by which a program is managed"
    if not own and port.number in {one for ports in stores.values() for one in ports}:
        return "at which stores listen"
    return ""


def _judged(files: Files) -> Iterator[object]:
    for artifact in _public(files):
        yield from numbered(artifact.data, "spec", "ports")


GATE = Gate(
    id="NET009",
    title="What is open to every address is meant for it",
    phase="security",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer: a cloud "
    "gives each such Service a public address that any client may call, whatever is behind it",
    check=check,
    of_files=check,
    scope=counted_in_files("ports of public balancers", _judged),
    targets=("cluster",),
    reads="Services of type LoadBalancer without an annotation, class, address or range that keeps "
    "them inside, by the images, variables and arguments of their pods. A firewall of the cloud "
    "is not known.",
)
