"""Members of a cluster that are ready only together start together, and find each other before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items, number, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield StatefulSets whose first member waits for those that are started after it."""
    heads: dict[tuple[tuple[str, str], str], Artifact] = {
        (place_of(one), name_of(one)): one for one in files.objects("Service")
    }
    for own, container, about in _judged(files):
        asked = _asked(container, about)
        if not asked:
            continue
        spec = fields(own.artifact.data, "spec")
        told = f"{title(own.artifact)} is ready when most of its members are ({asked})"
        if str(spec.get("podManagementPolicy") or "OrderedReady") == "OrderedReady":
            at = "podManagementPolicy" if "podManagementPolicy" in spec else "replicas"
            said = f"{told}, and starts the second when the first is ready: none ever is"
            advice = "set podManagementPolicy: Parallel"
            yield Finding(own.artifact.at("spec", at), f"{said}; {advice}")
        service = heads.get((place_of(own.artifact), string(spec, "serviceName")))
        if service is None or not _is_called(_joined(own, container, about), name_of(service)):
            continue
        if dig(service.data, "spec", "publishNotReadyAddresses") is not True:
            said = f"{title(service)} publishes ready members only, and {told}: they never meet"
            where = service.at("spec")
            yield Finding(where, f"{said}; set publishNotReadyAddresses: true")


def _asked(container: Container, about: Fields) -> str:
    """Return what of its readiness probe only a whole cluster answers; "" for nothing."""
    probe = container.probe("readiness")
    if probe is None:
        return ""
    path = probe.path or ""
    if path and re.fullmatch(str(about.get("paths", "(?!)")), path):
        return path
    command = " ".join(map(str, items(probe.data, "exec", "command")))
    if found := re.search(str(about.get("commands", "(?!)")), command):
        return str(found[0])
    asked = dig(probe.data, "tcpSocket", "port")
    numbers = {port.number for port in container.ports if asked in (port.name, port.number)}
    numbers.add(asked if isinstance(asked, int) else None)
    return f"port {asked}" if numbers & set(about.get("ports", ())) else ""


def _joined(own: Pods, container: Container, about: Fields) -> str:
    """Return how a container is told of the other members; "" where it is not."""
    texts = list(container.words)
    texts += [f"{name}={one.text}" for name, one in own.variables.of(container).items()]
    for text in texts:
        if found := re.search(rf"(?<![\w.-])-*(?:{about['joins']})(?:[= ]|$)(.*)", text):
            return str(found[1]) or _after(texts, text)
    return ""


def _after(texts: list[str], text: str) -> str:
    at = texts.index(text) + 1
    return texts[at] if at < len(texts) else ""


def _is_called(joined: str, service: str) -> bool:
    """Tell whether the members are named by a Service: `etcd-0.SERVICE`."""
    return re.search(rf"-\d+\.{re.escape(service)}(?![\w-])", joined) is not None


@once
def _judged(files: Files) -> Iterator[tuple[Pods, Container, Fields]]:
    for own in pods(files, "StatefulSet"):
        if (number(own.artifact.data, "spec", "replicas") or 1) < 2:
            continue
        for container in own.main_containers:
            for about in published("members")["images"]:
                if not re.fullmatch(about["image"], container.image):
                    continue
                joined = _joined(own, container, about)
                many = int(joined) if joined.isdecimal() else joined.count(",") + 1
                if joined and many > 1 and not _is_existing(own):
                    yield own, container, about


def _is_existing(own: Pods) -> bool:
    """Tell whether it joins a cluster that is there."""
    return any("existing" in text for _, text in places(own.spec.data))


GATE = Gate(
    id="OBJ028",
    title="Members that are ready together start together",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset: by OrderedReady "
    "each pod waits until the one before it is ready; etcd's /health needs a leader",
    check=check,
    of_files=check,
    scope=counted_in_files("clusters whose members name each other", _judged),
    targets=("cluster",),
    reads="readiness probes, members and podManagementPolicy of StatefulSets whose images "
    "assets/published.yaml lists, and their Service.",
)
