"""Alertmanager's routes end at receivers that notify, and its inhibitions are bounded."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.notifications import configurations, faults
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield routes without a receiver, receivers that notify nothing, and odd durations."""
    for artifact in configurations(files):
        for path, what in faults(artifact):
            where = ".".join(map(str, path))
            yield Finding(artifact.at(*path), f"{where} {what}")


GATE = Gate(
    id="OBS015",
    title="Alertmanager's routes end at receivers that notify",
    phase="observability",
    source="https://prometheus.io/docs/alerting/latest/configuration: an alert without a receiver "
    "notifies nothing, and an inhibition without `equal` mutes what has another cause",
    check=check,
    of_files=lenient(check, "gets no alert", "notifies nothing"),
    scope=counted_in_files("configurations of Alertmanager", configurations),
    #: OBS011 and OBS013 hold what is planned to the model's receivers and dependencies.
    targets=(),
    reads="route, receivers and inhibit_rules of files that have them. Asked of files alone: "
    "OBS011 and OBS013 hold a plan to more.",
)
