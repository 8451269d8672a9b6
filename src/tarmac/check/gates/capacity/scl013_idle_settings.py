"""Settings of a ScaledObject are for steps that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: What is taken where nothing is written.
_COOLDOWN_S = 300
_MOST = 100


def check(files: Files) -> Iterator[Finding]:
    """Yield times before a step to zero that is never taken, and schedules that add no pod."""
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
        yield from _schedules(artifact)


def _schedules(artifact: Artifact) -> Iterator[Finding]:
    """Yield schedules that ask for fewer pods than are kept, or for more than there may be."""
    spec = fields(artifact.data, "spec")
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", _MOST)
    # From an idle count, any trigger leads to the least one; a formula computes with all of them.
    is_open = "idleReplicaCount" in spec or fields(spec, "advanced", "scalingModifiers")
    if is_open or not (isinstance(least, int) and isinstance(most, int)):
        return
    for number, trigger in numbered(spec, "triggers"):
        asked = string(trigger, "metadata", "desiredReplicas")
        if trigger.get("type") != "cron" or not asked.isdecimal():
            continue
        where = artifact.at("spec", "triggers", number, "metadata", "desiredReplicas")
        what = f"{title(artifact)} has a schedule that asks for {asked} pods, and there are"
        if 0 < int(asked) <= least:
            said = f"{what} never fewer than {least}, so it adds none; ask for more, or lower"
            yield Finding(where, f"{said} minReplicaCount")
        elif int(asked) > most:
            said = f"{what} never more than {most}; ask for {most}, or raise maxReplicaCount"
            yield Finding(where, said)


GATE = Gate(
    id="SCL013",
    title="Settings of a ScaledObject are for steps that it takes",
    phase="kubernetes",
    source="https://keda.sh/docs/latest/reference/scaledobject-spec/#cooldownperiod: it applies "
    "when scaling to 0; from one to more pods the autoscaler decides; "
    "https://keda.sh/docs/latest/scalers/cron/",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("ScaledObjects", "ScaledObject"),
    targets=("cluster",),
    reads="cooldownPeriod of ScaledObjects and desiredReplicas of their schedules, beside "
    "minReplicaCount and maxReplicaCount.",
)
