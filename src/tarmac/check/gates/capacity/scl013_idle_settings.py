"""Settings of a ScaledObject are for steps that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: What is taken where nothing is written.
_COOLDOWN_S = 300


def check(files: Files) -> Iterator[Finding]:
    """Yield times before a step to zero that is never taken."""
    for artifact in files.objects("ScaledObject"):
        spec = fields(artifact.data, "spec")
        least, waits = spec.get("minReplicaCount"), spec.get("cooldownPeriod")
        is_kept = isinstance(least, int) and least > 0 and "idleReplicaCount" not in spec
        if is_kept and isinstance(waits, int) and waits != _COOLDOWN_S:
            what = (
                f"{title(artifact)} has a cooldownPeriod of {waits} s, which is for the step from"
            )
            why = f"one pod to none alone, and keeps {least}: it changes nothing; write"
            where = artifact.at("spec", "cooldownPeriod")
            advice = "stabilizationWindowSeconds in advanced.horizontalPodAutoscalerConfig.behavior"
            yield Finding(where, f"{what} {why} {advice}")


GATE = Gate(
    id="SCL013",
    title="Settings of a ScaledObject are for steps that it takes",
    phase="kubernetes",
    source="https://keda.sh/docs/latest/reference/scaledobject-spec/#cooldownperiod: it applies "
    "when scaling to 0; from one to more pods the autoscaler decides",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("ScaledObjects", "ScaledObject"),
    targets=("cluster",),
    reads="cooldownPeriod of ScaledObjects beside minReplicaCount.",
)
