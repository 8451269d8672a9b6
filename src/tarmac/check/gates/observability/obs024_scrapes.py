"""Monitors select what has the port that they scrape, and a scrape ends before the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.monitoring.monitors import Monitor
from tarmac.check.gates.views.objects.indexes import LabelIndex, PodIndex, place_of
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import kinds
from tarmac.check.gates.views.trials.canaries import services_of_flagger

#: Where each kind of monitor has what it scrapes.
_ENDS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


def check(files: Files) -> Iterator[Finding]:
    """Yield monitors that find nothing, or not its port, and scrapes that overlap."""
    there = [*map(Service, files.objects("Service")), *services_of_flagger(files).values()]
    spaces: dict[str, list[Service]] = {}
    for service in there:
        spaces.setdefault(service.metadata.namespace or "", []).append(service)
    beside = {
        space: LabelIndex(found, lambda one: one.metadata.labels)
        for space, found in spaces.items()
        if space
    }
    whole = LabelIndex(there, lambda one: one.metadata.labels)
    kept = PodIndex(pods(files, *SERVING))
    # A kustomization may give what it lists another namespace.
    folders = {place_of(one)[1] for one in kustomization_files(files)}
    for artifact in files.objects(*_ENDS):
        faults = [*_late(artifact)]
        is_moved = not artifact.built_by and place_of(artifact)[1] in folders
        if kind_of(artifact) == "ServiceMonitor":
            faults += [*_selects(beside, artifact), *_of_services(artifact, whole, kept)]
            faults += [] if is_moved else [*_elsewhere(Monitor(artifact), whole)]
        else:
            faults += _of_pods(artifact, kept)
        for path, what in faults:
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _selects(
    services: Mapping[str, LabelIndex[Service]], artifact: Artifact
) -> Iterator[tuple[Path, str]]:
    """Yield a selector that takes none of the Services beside it, or all."""
    path = ("spec", "selector")
    selector = fields(artifact.data, *path)
    own = space_of(artifact)
    is_near = "namespaceSelector" not in fields(artifact.data, "spec")
    beside = services.get(own) if is_near else None
    if beside and len(beside.things) > 1 and not _chooses(artifact):
        what = f"selects every Service of {own}, those without metrics too"
        yield path, f"{what}; write labels of its own"
    elif beside and not beside.selected(selector):
        labels = ", ".join(f"{key}={value}" for key, value in labels_of(selector).items())
        what = f"selects Services of {labels or 'its expressions'}, which no Service has"
        yield path, f"{what}; write labels of a Service's metadata"


def _chooses(artifact: Artifact) -> bool:
    """Tell whether a monitor's selector asks for anything."""
    selector = fields(artifact.data, "spec", "selector")
    return bool(labels_of(selector) or items(selector, "matchExpressions"))


def _late(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    key = _ENDS[kind_of(artifact)]
    for number, end in enumerate(items(artifact.data, "spec", key)):
        interval, timeout = (text(end, name) for name in ("interval", "scrapeTimeout"))
        most, asked = duration_s(interval), duration_s(timeout)
        if most and asked and asked > most:
            what = f"waits {timeout} for an answer, and asks again after {interval}"
            yield ("spec", key, number), f"{what}; lower scrapeTimeout"


def _of_services(
    artifact: Artifact, services: LabelIndex[Service], kept: PodIndex
) -> Iterator[tuple[Path, str]]:
    """Yield ports that no Service has which is selected, and those that none of its pods has."""
    monitor = Monitor(artifact)
    found = [
        one
        for one in services.selected(fields(artifact.data, "spec", "selector"))
        if monitor.finds(one) and _is_near(monitor, one.artifact)
    ]
    names = {port.name for one in found for port in one.ports if port.name}
    # One that selects all takes what operators and other files put there as well.
    found = found if _chooses(artifact) else []
    behind = _behind(found, kept)
    for number, end in enumerate(monitor.endpoints):
        if end.is_of_containers:
            continue
        at: Path = ("spec", "endpoints", number)
        if found and end.port and end.port not in names and not is_mark(end.port):
            what = f"scrapes the port {end.port}, which no Service that it selects has"
            yield (*at, "port"), f"{what}; {_advice(end.port, names)}"
        elif not end.port and behind and (asked := end.asked) and not _has(asked, behind):
            what = f"scrapes the port {asked}, which no pod of the Services that it selects has"
            yield (*at, "targetPort"), f"{what}; {_advice(str(asked), _names(behind))}"


def _elsewhere(monitor: Monitor, services: LabelIndex[Service]) -> Iterator[tuple[Path, str]]:
    """Yield the selector of a monitor whose Services are all in other namespaces, by its ports."""
    own, spec = monitor.metadata.namespace, fields(monitor.artifact.data, "spec")
    asked = {end.port for end in monitor.endpoints if end.port}
    if not own or fields(spec, "namespaceSelector"):
        return
    spaces = {
        one.metadata.namespace
        for one in services.selected(fields(spec, "selector"))
        if asked & {port.name for port in one.ports}
    }
    if spaces and spaces.isdisjoint((None, own)):
        there = ", ".join(sorted(map(str, spaces)))
        what = f"selects Services of its own namespace {own} alone, and those with its labels are"
        yield ("spec", "selector"), f"{what} in {there}; write namespaceSelector.matchNames"


def _behind(services: list[Service], kept: PodIndex) -> list[Pods]:
    """List the pods of Services; none where those of one are not here."""
    found: list[Pods] = []
    for service in services:
        space = service.metadata.namespace or ""
        own = (
            _in(kept.selected({"matchLabels": service.selector}), {space})
            if service.selector
            else []
        )
        if not own:
            return []
        found += own
    return found


def _of_pods(artifact: Artifact, kept: PodIndex) -> Iterator[tuple[Path, str]]:
    """Yield ports that none of the selected pods has: what it does not declare is left out."""
    monitor = Monitor(artifact)
    spaces = monitor.spaces
    selected = kept.selected(fields(artifact.data, "spec", "selector"))
    found = selected if spaces is None else _in(selected, spaces)
    found = [own for own in found if _is_near(monitor, own.artifact)]
    for number, end in enumerate(monitor.pod_endpoints):
        asked = None if end.is_of_containers else end.asked
        if found and asked and not _has(asked, found):
            what = f"scrapes the port {asked}, which no pod that it selects has"
            at: Path = ("spec", "podMetricsEndpoints", number)
            yield at, f"{what}; {_advice(str(asked), _names(found))}"


def _is_near(monitor: Monitor, artifact: Artifact) -> bool:
    """Tell whether what names no namespace is applied with a monitor that names none either."""
    own, other = place_of(monitor.artifact), place_of(artifact)
    return bool(own[0]) or own == other or monitor.spaces is None


def _in(found: list[Pods], spaces: set[str]) -> list[Pods]:
    return [own for own in found if space_of(own.artifact) in spaces]


def _has(asked: int | str, found: list[Pods]) -> bool:
    return any(own.port(asked) is not None for own in found)


def _names(found: list[Pods]) -> set[str]:
    return {name for own in found for name in own.ports}


def _advice(asked: str, names: set[str]) -> str:
    return did_you_mean(asked, sorted(names)) if names else "declare one"


GATE = Gate(
    id="OBS024",
    title="Monitors select what has their port, and a scrape ends before the next",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api: a monitor that selects nothing "
    "scrapes nothing, and the operator leaves out one whose timeout is above its interval",
    check=check,
    of_files=check,
    scope=kinds("monitors", *_ENDS),
    #: OBS021 and NET001 check more of a plan.
    targets=(),
    reads="selectors and ports beside the Services and pods that these files have, interval and "
    "scrapeTimeout. Judges files without a plan only: OBS021 checks more of a plan.",
)
