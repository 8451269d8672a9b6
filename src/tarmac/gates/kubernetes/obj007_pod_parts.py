"""The parts of a pod fit together: mounts and volumes, probes, variables."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.pod_parts import misfits
from tarmac.gates.views.objects.pods import Pods, pods
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield parts of pods that name nothing, are empty, or are there twice."""
    for own in pods(files):
        for where, what in misfits(own):
            yield Finding(where, f"{own.kind} {own.name}: {what}")


def _pods(files: Files) -> Iterator[Pods]:
    return pods(files)


GATE = Gate(
    id="OBJ007",
    title="The parts of a pod fit together",
    phase="kubernetes",
    source="an API server rejects a mount without a volume; a volume without a source, and a "
    "variable without a value, it takes, and the program finds nothing there",
    check=check,
    of_files=lenient(check, "is mounted by no container"),
    scope=counted_in_files("pods", _pods),
    reads="volumes and their mounts, probes, hooks and variables of all pods.",
)
