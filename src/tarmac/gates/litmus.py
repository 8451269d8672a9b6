"""An experiment's probes say how long in the form that its Litmus reads."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._published import published
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield durations that are numbers."""
    known = published("litmus")
    for artifact in files.objects("ChaosEngine"):
        for number, experiment in enumerate(dig(artifact.data, "spec", "experiments") or ()):
            for index, probe in enumerate(dig(experiment, "spec", "probe") or ()):
                path = ("spec", "experiments", number, "spec", "probe", index, "runProperties")
                for key, value in (dig(probe, "runProperties") or {}).items():
                    if key in known["durations"] and not isinstance(value, str):
                        yield Finding(
                            artifact.at(*path, key),
                            f"{key} of probe {dig(probe, 'name')} is a number ({value}); Litmus "
                            f"{known['since']} and newer take a text with its unit: write "
                            f'{key}: "{value}s" ({known["source"]})',
                        )


GATE = Gate(
    id="CHS001",
    title="An experiment's durations are texts with their unit",
    phase="resilience",
    source="https://github.com/litmuschaos/litmus/discussions/4539: the type of these fields "
    "became string with 3.0, and the API server refuses the object",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="runProperties of probes in ChaosEngine objects.",
)
