"""ServiceMonitors select Services, and a scrape ends before the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.indexes import LabelIndex
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.scope import kinds
from tarmac.check.gates.views.trials.canaries import services_of_flagger


def check(files: Files) -> Iterator[Finding]:
    """Yield monitors that find no Service or all of them, and scrapes that overlap."""
    there = [*map(Service, files.objects("Service")), *services_of_flagger(files).values()]
    spaces: dict[str, list[Service]] = {}
    for service in there:
        spaces.setdefault(service.metadata.namespace or "", []).append(service)
    beside = {
        space: LabelIndex(found, lambda one: one.metadata.labels)
        for space, found in spaces.items()
        if space
    }
    for artifact in files.objects("ServiceMonitor"):
        for path, what in scrape_faults(beside, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def scrape_faults(
    services: Mapping[str, LabelIndex[Service]], artifact: Artifact
) -> Iterator[tuple[Path, str]]:
    """Yield where a monitor is wrong, and how."""
    path = ("spec", "selector")
    selector = fields(artifact.data, *path)
    own = space_of(artifact)
    is_near = "namespaceSelector" not in fields(artifact.data, "spec")
    beside = services.get(own) if is_near else None
    if (
        beside
        and len(beside.things) > 1
        and not labels_of(selector)
        and not items(selector, "matchExpressions")
    ):
        what = f"selects every Service of {own}, those without metrics too"
        yield path, f"{what}; write labels of its own"
    elif beside and not beside.selected(selector):
        labels = ", ".join(f"{key}={value}" for key, value in labels_of(selector).items())
        what = f"selects Services of {labels or 'its expressions'}, which no Service has"
        yield path, f"{what}; write labels of a Service's metadata"
    for number, end in enumerate(items(artifact.data, "spec", "endpoints")):
        interval, timeout = (text(end, key) for key in ("interval", "scrapeTimeout"))
        most, asked = duration_s(interval), duration_s(timeout)
        if most and asked and asked > most:
            what = f"waits {timeout} for an answer, and asks again after {interval}"
            yield ("spec", "endpoints", number), f"{what}; lower scrapeTimeout"


GATE = Gate(
    id="OBS024",
    title="ServiceMonitors select Services, and a scrape ends before the next",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api: a monitor that selects nothing "
    "scrapes nothing, and the operator leaves out one whose timeout is above its interval",
    check=check,
    of_files=check,
    scope=kinds("monitors", "ServiceMonitor"),
    #: OBS021 and NET001 check more of a plan.
    targets=(),
    reads="selectors beside the Services of the namespace that these files have, interval and "
    "scrapeTimeout. Judges files without a plan only: OBS021 checks more of a plan.",
)
