"""Chaos experiments of Litmus: the durations of their probes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.artifact import Artifact
from tarmac.gates.views.reading import Path, fields, items, text


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
