"""Durations of an experiment's probes have the form that its Litmus version reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files, Gate
from tarmac.gates.views.objects import dig
from tarmac.gates.views.published import published
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield durations that are numbers."""
    known = published("litmus")
    for artifact, path, probe, value in _durations(files):
        if not isinstance(value, str):
            yield Finding(
                artifact.at(*path),
                f"{path[-1]} of probe {probe} is a number ({value}); Litmus {known['since']} and "
                f'newer require a string with its unit: write {path[-1]}: "{value}s" '
                f"({known['source']})",
            )


def _durations(files: Files) -> Iterator[tuple[Artifact, tuple[str | int, ...], str, Any]]:
    """Yield each duration of a probe: its object, its path, its probe's name, what it is."""
    known = published("litmus")["durations"]
    for artifact in files.objects("ChaosEngine"):
        for number, experiment in enumerate(dig(artifact.data, "spec", "experiments") or ()):
            for index, probe in enumerate(dig(experiment, "spec", "probe") or ()):
                path = ("spec", "experiments", number, "spec", "probe", index, "runProperties")
                for key, value in (dig(probe, "runProperties") or {}).items():
                    if key in known:
                        yield artifact, (*path, key), str(dig(probe, "name")), value


GATE = Gate(
    id="CHS001",
    title="Durations of chaos experiments have a unit",
    phase="resilience",
    source="https://github.com/litmuschaos/litmus/discussions/4539: the type of these fields "
    "became string with 3.0, and the API server rejects the object",
    check=check,
    scope=counted_in_files("probe durations", _durations),
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="runProperties of probes in ChaosEngine objects.",
)
