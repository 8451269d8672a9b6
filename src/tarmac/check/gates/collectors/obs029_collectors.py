"""Collectors listen where they are asked, and see whole traces where they choose among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.scaling import scalers
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_PORTS = {"grpc": 4317, "http": 4318}
#: From this version on a receiver without an address listens on its own loopback.
_SINCE = (0, 104)
_VERSION = re.compile(r".*:v?(0)\.(\d+)(\.\d+)?(-[\w.-]+)?")
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[?::1\]?)(:\d+)?")
#: What needs all spans of a trace in one place.
_WHOLE = ("tail_sampling", "groupbytrace")


class Around(NamedTuple):
    """What runs configurations."""

    #: By the file that is mounted: the service, and all of its Compose file.
    composed: Mapping[str, list[tuple[ComposeService, list[ComposeService]]]]
    #: By the ConfigMap.
    podded: Mapping[str, list[Pods]]
    #: The most replicas that scalers make of a workload, by kind and name.
    most: Mapping[tuple[str | None, str | None], int | None]


def check(files: Files) -> Iterator[Finding]:
    """Yield receivers that nothing reaches, and traces that are torn."""
    every, around = collectors(files), _around(files)
    # What spreads spans by their trace stands before the others.
    is_led = any(one.has_exporter("loadbalancing") for one in every)
    for one in every:
        yield from _unreached(around, one)
        if not is_led:
            yield from _torn(around, one)


def _around(files: Files) -> Around:
    """Find what runs configurations, by the files and ConfigMaps that it mounts."""
    composed: dict[str, list[tuple[ComposeService, list[ComposeService]]]] = {}
    beside: dict[str, list[ComposeService]] = {}
    for service in compose_services(files) if collectors(files) else ():
        beside.setdefault(service.artifact.path, []).append(service)
    for services in beside.values():
        for service in services:
            for path in _mounted(service):
                composed.setdefault(path, []).append((service, services))
    podded: dict[str, list[Pods]] = {}
    for own in pods(files) if collectors(files) else ():
        for name in {
            source.name
            for volume in own.spec.volumes
            for source in volume.sources
            if source.kind == "ConfigMap"
        }:
            podded.setdefault(name, []).append(own)
    most = {(one.target.kind, one.target.name): one.most for one in scalers(files)}
    return Around(composed, podded, most)


def _unreached(around: Around, one: Collector) -> Iterator[Finding]:
    protocols = fields(one.data, "receivers", "otlp", "protocols")
    for name, port in _PORTS.items():
        if name not in protocols:
            continue
        endpoint = dig(fields(protocols.get(name)), "endpoint")
        if endpoint is not None and not _LOOPBACK.fullmatch(str(endpoint)):
            continue
        for image, asked in (*_composed(around, one, port), *_podded(around, one, port)):
            found = _VERSION.fullmatch(image)
            is_new = found is not None and (int(found[1]), int(found[2])) >= _SINCE
            if endpoint is None and not is_new:
                continue
            said = f"on {endpoint}" if endpoint else f"on localhost, as {image} does by itself"
            what = f"its receiver otlp listens for {name} {said}, inside its container, and {asked}"
            where = one.at("receivers", "otlp", "protocols", name)
            yield Finding(where, f"{what}; write endpoint: 0.0.0.0:{port}")
            break


def _composed(around: Around, one: Collector, port: int) -> Iterator[tuple[str, str]]:
    """Yield the images of services that run a configuration, with what asks each from outside."""
    for service, every in (
        () if one.artifact.is_object else around.composed.get(one.artifact.path, ())
    ):
        address = f"{service.name}:{port}"
        asking = [
            other.name
            for other in every
            if other is not service
            and any(address in value for value in other.environment.values())
        ]
        if asking:
            yield service.image or "", f"{asking[0]} asks {address}"
        elif port in service.ports:
            yield service.image or "", f"port {port} is published"


def _mounted(service: ComposeService) -> set[str]:
    """List the files that a service mounts, by their paths."""
    folder = dirname(service.artifact.path)
    sources = [mount(entry).partition(":")[0] for entry in listed(dig(service.data, "volumes"))]
    return {normpath(join(folder, str(source))) for source in sources if source}


def _podded(around: Around, one: Collector, port: int) -> Iterator[tuple[str, str]]:
    for own in _pods_of(around, one):
        for container in own.main_containers:
            if any(exposed.number == port for exposed in container.ports):
                yield container.image, f"{title(own.artifact)} has the port {port}"


def _pods_of(around: Around, one: Collector) -> list[Pods]:
    """List the pods that have a configuration's ConfigMap mounted."""
    is_kept = one.artifact.data.get("kind") == "ConfigMap"
    return around.podded.get(one.name, []) if is_kept else []


def _torn(around: Around, one: Collector) -> Iterator[Finding]:
    where = next(filter(None, map(one.uses, _WHOLE)), None)
    if where is None:
        return
    spec = fields(one.artifact.data, "spec")
    several = [f"it has {spec['replicas']} replicas"] if _is_many(spec.get("replicas")) else []
    for own in _pods_of(around, one):
        replicas = dig(own.artifact.data, "spec", "replicas")
        if own.kind == "DaemonSet":
            several.append(f"{title(own.artifact)} runs it on each node")
        elif _is_many(replicas):
            several.append(f"{title(own.artifact)} has {replicas} replicas")
        elif _is_many(around.most.get((own.kind, own.name))):
            several.append(f"{title(own.artifact)} is scaled")
    if several:
        kind = str(dig(one.data, *where)).partition("/")[0]
        what = f"chooses among whole traces by {kind}, and {several[0]}, of which each gets a part"
        advice = "of a trace's spans; run one, or send to them by an exporter loadbalancing"
        yield Finding(one.at(*where), f"{what} {advice}")


def _is_many(replicas: object) -> bool:
    return isinstance(replicas, int) and replicas > 1


def _judged(files: Files) -> Iterator[object]:
    for one in collectors(files):
        yield from items(list(fields(one.data, "service", "pipelines").values()))


GATE = Gate(
    id="OBS029",
    title="Collectors listen where they are asked, and see the whole traces that they choose from",
    phase="observability",
    source="https://opentelemetry.io/docs/collector/scaling: the spans of a trace have to reach "
    "one collector; https://github.com/open-telemetry/opentelemetry-collector/blob/main/"
    "CHANGELOG.md, 0.104: receivers listen on localhost",
    check=check,
    of_files=check,
    scope=counted_in_files("pipelines of collectors", _judged),
    reads="configurations with receivers and service.pipelines, as files, in ConfigMaps and in "
    "OpenTelemetryCollectors, beside the Compose services and pods that mount them.",
)
