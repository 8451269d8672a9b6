"""A canary without a router has steps that its number of pods can make."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.scaled import Autoscalers
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CANARY = ("spec", "strategy", "canary")
#: A share of pods is a step's own weight up to so many times of it.
_NEAR = 3


def check(files: Files) -> Iterator[Finding]:
    """Yield steps whose weight is far below the share of one pod."""
    for artifact, pods in _judged(files):
        for number, step in numbered(artifact.data, *_CANARY, "steps"):
            weight = step.get("setWeight")
            if not isinstance(weight, int) or isinstance(weight, bool) or not 0 < weight < 100:
                continue
            new = math.ceil(pods * weight / 100)
            share = 100 * new // (pods + 1)  # the old ones stay, with the usual surge
            if share >= _NEAR * weight:
                what = f"{title(artifact)} has {pods} pods and no trafficRouting, so its step of"
                why = f"{weight} % is {new} new pod{'s' * (new > 1)}, which gets {share} % or more"
                where = artifact.at(*_CANARY, "steps", number, "setWeight")
                advice = "of all requests; add trafficRouting, more replicas, or a larger weight"
                yield Finding(where, f"{what} {why} {advice}")
                break


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, int]]:
    """Yield Rollouts whose weights are shares of their pods, with the number of these."""
    scaling = Autoscalers(files)
    for artifact in files.objects("Rollout"):
        canary = fields(artifact.data, *_CANARY)
        scaler = scaling.by(artifact)
        pods = dig(artifact.data, "spec", "replicas") if scaler is None else scaler.least
        if not isinstance(pods, int) or isinstance(pods, bool) or pods < 1:
            continue
        if canary.get("steps") and "trafficRouting" not in canary:
            yield artifact, pods


GATE = Gate(
    id="CAN010",
    title="A canary without a router has steps that its pods can make",
    phase="mesh",
    source="https://argo-rollouts.readthedocs.io/en/stable/features/canary: without traffic "
    "routing a weight is the share of pods of the new version, rounded up",
    check=check,
    of_files=check,
    scope=counted_in_files("canaries without a router", _judged),
    targets=("cluster",),
    reads="setWeight of Rollouts without trafficRouting beside their replicas, or the least number "
    "of their autoscaler.",
)
