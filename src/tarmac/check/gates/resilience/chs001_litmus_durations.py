"""Durations of an experiment's probes have the form that its Litmus version reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield durations that are numbers."""
    known = published("litmus")
    for artifact, setting in _durations(files):
        if not isinstance(setting.value, str):
            name, value = setting.name, setting.value
            yield Finding(
                artifact.at(*setting.path),
                f"{name} of probe {setting.probe} is a number ({value}); Litmus {known['since']} "
                f'and newer require a string with its unit: write {name}: "{value}s" '
                f"({known['source']})",
            )


@once
def _durations(files: Files) -> Iterator[tuple[Artifact, ProbeSetting]]:
    """Yield each duration of a probe, with its object."""
    known = published("litmus")["durations"]
    for artifact in files.objects("ChaosEngine"):
        for setting in probe_settings(artifact):
            if setting.name in known:
                yield artifact, setting


class ProbeSetting(NamedTuple):
    """A setting of how a probe of an experiment runs."""

    path: Path
    probe: str
    name: str
    value: Any


def probe_settings(artifact: Artifact) -> Iterator[ProbeSetting]:
    """Yield how the probes of a ChaosEngine's experiments run."""
    for number, experiment in enumerate(items(artifact.data, "spec", "experiments")):
        for index, probe in enumerate(items(experiment, "spec", "probe")):
            path = ("spec", "experiments", number, "spec", "probe", index, "runProperties")
            for name, value in fields(probe, "runProperties").items():
                yield ProbeSetting((*path, name), str(text(probe, "name")), name, value)


GATE = Gate(
    id="CHS001",
    title="Durations of chaos experiments have a unit",
    phase="resilience",
    source="https://github.com/litmuschaos/litmus/discussions/4539: the type of these fields "
    "became string with 3.0, and the API server rejects the object",
    check=check,
    scope=counted_in_files("probe durations", _durations),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="runProperties of probes in ChaosEngine objects.",
)
