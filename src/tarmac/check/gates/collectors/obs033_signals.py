"""A collector takes the signals that it is sent, and sends each to what keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.network.senders import Senders
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_SIGNALS = ("traces", "metrics", "logs")
_HOST = re.compile(r"(?:[a-z]+:/{2,3})?([A-Za-z0-9][\w-]*)(?:\.([\w-]+))?[\w.-]*(?::\d+)?(?:/.*)?")


#: A host, and the namespace that it is in; "" in Compose.
Host = tuple[str, str]


class Sender(NamedTuple):
    """What is told to send signals by OTLP."""

    title: str
    space: str
    variables: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield signals that a collector, or what it sends to, does not take."""
    every = collectors(files)
    images = _images(files) if every else {}
    for one in every:
        yield from _sent(one, images)
    for one, names, senders in (*_composed(files, every), *_podded(files, every)):
        yield from _refused(one, names, senders)


def _sent(one: Collector, images: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Yield exporters of a pipeline that are not for its signal, or whose end is not."""
    known = published("telemetry")
    for name, pipeline in fields(one.data, "service", "pipelines").items():
        signal = str(name).partition("/")[0]
        for number, asked in enumerate(items(pipeline, "exporters")):
            kind = str(asked).partition("/")[0]
            where = one.at("service", "pipelines", str(name), "exporters", number)
            taken = known["exporters"].get(kind)
            if signal in _SIGNALS and taken is not None and signal not in taken:
                what = f"the pipeline {name} has the exporter {asked}, which is for"
                said = f"{what} {' and '.join(taken)} alone: the collector does not start"
                yield Finding(where, f"{said}; name another one")
            elif signal in _SIGNALS and kind in known["senders"]:
                settings = fields(one.data, "exporters", str(asked))
                own = string(settings, f"{signal}_endpoint") or string(settings, "endpoint")
                for backend in _backends(own, images):
                    if signal not in backend["takes"]:
                        what = f"the pipeline {name} exports to {own}, and {backend['title']} takes"
                        said = f"{what} {' and '.join(backend['takes'])} alone: each batch of"
                        yield Finding(where, f"{said} {signal} fails; leave {asked} out of it")


def _backends(endpoint: str, images: Mapping[str, set[str]]) -> Iterator[Fields]:
    """Yield what is known of a server by its host's name, and by its image if that is here."""
    found = _HOST.fullmatch(endpoint)
    for one in published("telemetry")["backends"] if found is not None else ():
        host = found[1] if found is not None else ""
        is_it = all(re.fullmatch(one["image"], image) for image in images.get(host, ()))
        if re.fullmatch(one["hosts"], host) and is_it:
            yield one


def _images(files: Files) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for service in compose_services(files):
        found.setdefault(service.name, set()).add(untagged(service.image or ""))
    return found


def _refused(one: Collector, names: set[Host], senders: list[Sender]) -> Iterator[Finding]:
    """Yield signals that a collector is sent, and has no pipeline for."""
    pipelines = fields(one.data, "service", "pipelines")
    taken = {
        str(name).partition("/")[0]
        for name, pipeline in pipelines.items()
        if any(str(asked).partition("/")[0] == "otlp" for asked in items(pipeline, "receivers"))
    }
    for signal in _SIGNALS if taken else ():
        asking = [sender.title for sender in senders if _sends(sender, signal, names)]
        if signal not in taken and asking:
            what = f"{asking[0]} sends {signal} to it by OTLP, and it has no pipeline of {signal}"
            said = f"{what} with the receiver otlp, so each is refused; add one, or set"
            where = one.at("service", "pipelines")
            yield Finding(where, f"{said} OTEL_{signal.upper()}_EXPORTER to none there")


def _sends(sender: Sender, signal: str, names: set[Host]) -> bool:
    """Tell whether a signal is sent to a host of these names: only where it says so itself."""
    given, key = sender.variables, signal.upper()
    own = given.get(f"OTEL_EXPORTER_OTLP_{key}_ENDPOINT")
    exporters = given.get(f"OTEL_{key}_EXPORTER", "otlp" if own else "").split(",")
    endpoint = own or given.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    found = _HOST.fullmatch(endpoint)
    is_there = found is not None and (found[1], found[2] or sender.space) in names
    return is_there and "otlp" in [one.strip() for one in exporters]


Around = tuple[Collector, set[Host], list[Sender]]


def _composed(files: Files, every: tuple[Collector, ...]) -> Iterator[Around]:
    """Yield the collectors that services of a Compose file run, with the other services there."""
    by_path = {one.artifact.path: one for one in every if not one.artifact.is_object}
    beside: dict[str, list[ComposeService]] = {}
    for service in compose_services(files) if by_path else ():
        beside.setdefault(service.artifact.path, []).append(service)
    for services in beside.values():
        senders = [Sender(f"service {one.name}", "", one.environment) for one in services]
        for service in services:
            own = [by_path[path] for path in _mounted(service) if path in by_path]
            if len(own) == 1:  # several are merged
                yield own[0], {(service.name, "")}, senders


def _mounted(service: ComposeService) -> set[str]:
    sources = {mount(one).partition(":")[0] for one in listed(dig(service.data, "volumes"))}
    return {normpath(join(dirname(service.artifact.path), one)) for one in sources if one}


def _podded(files: Files, every: tuple[Collector, ...]) -> Iterator[Around]:
    """Yield the collectors of a cluster, with the pods that are told of an endpoint."""
    objects = [one for one in every if one.artifact.is_object]
    if not objects:
        return
    of_services, senders = Senders(files), list(_senders(files))
    by_map: dict[Host, list[Collector]] = {}
    for one in objects:
        key = (one.name, space_of(one.artifact))
        if kind_of(one.artifact) == "ConfigMap":
            by_map.setdefault(key, []).append(one)
        else:
            yield one, {(f"{one.name}-collector", key[1])}, senders
    for own in pods(files):
        space = space_of(own.artifact)
        maps = {s.name for v in own.spec.volumes for s in v.sources if s.kind == "ConfigMap"}
        held = [one for name in maps for one in by_map.get((str(name), space), ())]
        if len(held) == 1:
            names = {(s.metadata.name, space) for s in of_services.services(own)}
            # Without a Service here, the one elsewhere has the name of its pods mostly.
            yield held[0], names or {(own.name, space)}, senders


def _senders(files: Files) -> Iterator[Sender]:
    for own in pods(files):
        for container in own.main_containers:
            given = {name: one.text for name, one in own.variables.of(container).items()}
            if any(key.startswith("OTEL_EXPORTER_OTLP") for key in given):
                yield Sender(title(own.artifact), space_of(own.artifact), given)


def _judged(files: Files) -> Iterator[object]:
    for one in collectors(files):
        yield from fields(one.data, "service", "pipelines").values()


GATE = Gate(
    id="OBS033",
    title="Collectors take the signals that they are sent, and send each to what keeps it",
    phase="observability",
    source="https://github.com/open-telemetry/opentelemetry-collector/issues/586: a receiver "
    "that is in no pipeline of a signal answers that it does not know it",
    check=check,
    of_files=check,
    scope=counted_in_files("pipelines of collectors", _judged),
    targets=(),
    reads="pipelines of collectors, their exporters beside assets/published.yaml, and the "
    "variables OTEL_* of Compose services and pods that name a collector. "
    "Judges files without a plan only.",
)
