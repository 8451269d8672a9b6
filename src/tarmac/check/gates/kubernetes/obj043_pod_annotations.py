"""Annotations that are read of pods are on pods, and not on what keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_KEEPING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "Job", "CronJob")


def check(files: Files) -> Iterator[Finding]:
    """Yield annotations of what keeps pods that only pods are asked for."""
    for own in _judged(files):
        there = own.metadata.annotations
        for name in metadata(own.artifact).annotations:
            if name not in there and _of_pods().fullmatch(str(name)):
                what = f"{title(own.artifact)} has {name}, which is read of pods, and its template"
                where = own.artifact.at("metadata", "annotations", str(name))
                yield Finding(where, f"{what} has not: it does nothing; write it to the template")


@cache
def _of_pods() -> re.Pattern[str]:
    return re.compile("|".join(published("pod_annotations")["names"]))


@once
def _judged(files: Files) -> Iterator[Pods]:
    """Yield the pods of objects with annotations."""
    for own in pods(files, *_KEEPING):
        if metadata(own.artifact).annotations and len(own.path) > 1:
            yield own


GATE = Gate(
    id="OBJ043",
    title="Annotations that are read of pods are on pods",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment: a pod gets the "
    "annotations of the template, and none of the Deployment",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("workloads with annotations", _judged),
    targets=("cluster",),
    reads="annotations of workloads and of their templates, by the names in assets/published.yaml.",
)
