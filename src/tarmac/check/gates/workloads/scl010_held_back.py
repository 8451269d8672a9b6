"""Releases reach the pods: no partition and no pause keeps all of them as they are."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, title
from tarmac.check.gates.views.objects.scaled import Autoscalers
from tarmac.check.gates.views.scope import kinds

_PARTITION: Path = ("spec", "updateStrategy", "rollingUpdate", "partition")
_GROUPS = {"StatefulSet": "apps", "Deployment": "apps", "Rollout": "argoproj.io"}


def check(files: Files) -> Iterator[Finding]:
    """Yield workloads whose pods no release reaches."""
    scaling = Autoscalers(files)
    for artifact in files.objects("StatefulSet", "DaemonSet"):
        if dig(artifact.data, "spec", "updateStrategy", "type") == "OnDelete":
            what = f"{title(artifact)} is updated OnDelete, so a release changes no pod that runs"
            where = artifact.at("spec", "updateStrategy", "type")
            advice = "until it is deleted by hand; write RollingUpdate"
            yield Finding(where, f"{what} {advice}", warning=True)
    for artifact in files.objects(*_GROUPS):
        if group_of(artifact) != _GROUPS[kind_of(artifact)]:
            continue
        if kind_of(artifact) == "StatefulSet":
            scaler = scaling.by(artifact)
            yield from _partition(artifact, scaler.most if scaler is not None else None)
        elif dig(artifact.data, "spec", "paused") is True:
            what = f"{title(artifact)} is paused, so a release reaches none of its pods"
            yield Finding(artifact.at("spec", "paused"), f"{what}; remove `paused`", warning=True)


def _partition(artifact: Artifact, most: int | None) -> Iterator[Finding]:
    written = dig(artifact.data, "spec", "replicas")
    count = most or (written if isinstance(written, int) else 1)
    start = fields(artifact.data, "spec", "ordinals").get("start", 0)
    first = start if isinstance(start, int) else 0
    partition = dig(artifact.data, *_PARTITION)
    if isinstance(partition, int) and count and partition >= first + count:
        what = f"{title(artifact)} keeps pods below {partition} as they are, and its last one is"
        advice = f"{first + count - 1}, so a release reaches none of them; write partition: 0"
        yield Finding(artifact.at(*_PARTITION), f"{what} {advice}", warning=True)


GATE = Gate(
    id="SCL010",
    title="Releases reach the pods",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions: "
    "with a partition above the number of pods a new template changes none of them, and counts as "
    "rolled out",
    check=check,
    of_files=check,
    scope=kinds("workloads", *_GROUPS, "DaemonSet"),
    targets=("cluster",),
    reads="OnDelete of StatefulSets and DaemonSets, partitions of StatefulSets beside their number "
    "of pods, and `paused` of Deployments and Rollouts. Whether it is lowered or resumed by hand, "
    "files do not say.",
)
