"""ServiceMonitors select Services, and a scrape ends before the next one."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.scope import kinds
from tarmac.gates.views.scrapes import scrape_faults
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield monitors that find no Service or all of them, and scrapes that overlap."""
    for artifact in files.objects("ServiceMonitor"):
        for path, what in scrape_faults(files, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


GATE = Gate(
    id="OBS024",
    title="ServiceMonitors select Services, and a scrape ends before the next",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api: a monitor that selects nothing "
    "scrapes nothing, and the operator leaves out one whose timeout is above its interval",
    check=check,
    of_files=lenient(check, "which none here has", "every Service"),
    scope=kinds("monitors", "ServiceMonitor"),
    #: OBS021 and NET001 hold a plan to more.
    targets=(),
    reads="selectors beside the Services of the namespace that these files have, interval and "
    "scrapeTimeout. Asked of files alone: OBS021 holds a plan to more.",
)
