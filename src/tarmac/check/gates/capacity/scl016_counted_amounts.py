"""Pods of a namespace with a quota say the amounts that it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, mappings
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.objects.scaling import Quota
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: By these a quota is for some pods alone.
_SCOPES = ("scopes", "scopeSelector")
_COUNTED = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


class CountedPods(NamedTuple):
    """Pods in the namespace of a quota."""

    pods: Pods
    quota: Artifact
    #: What the quota counts, and no LimitRange gives by default.
    counted: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield containers that say less than the quota of their namespace counts."""
    for one in _counted(files):
        for container in one.pods.containers:
            missing = [key for key in one.counted if not _says(container.data, key)]
            if missing:
                what = f"{container.title} of {title(one.pods.artifact)} has no {missing[0]}"
                why = f"which ResourceQuota {name_of(one.quota)} of its namespace counts: its pods"
                yield Finding(container.at(), f"{what}, {why} are refused; write it")


def _says(data: Mapping[str, object], key: str) -> bool:
    kind, _, name = key.partition(".")
    # A limit alone is the request, too.
    kinds = ("requests", "limits") if kind == "requests" else (kind,)
    return any(name in fields(data, "resources", one) for one in kinds)


@once
def _counted(files: Files) -> Iterator[CountedPods]:
    given: dict[object, set[str]] = {}
    for artifact in files.objects("LimitRange"):
        for limit in mappings(fields(artifact.data, "spec").get("limits")):
            own = given.setdefault(place_of(artifact), set())
            own |= {f"limits.{name}" for name in fields(limit, "default")}
            by_default = {*fields(limit, "default"), *fields(limit, "defaultRequest")}
            own |= {f"requests.{name}" for name in by_default}
    quotas: dict[object, list[Artifact]] = {}
    for artifact in files.objects("ResourceQuota"):
        if not any(key in fields(artifact.data, "spec") for key in _SCOPES):
            quotas.setdefault(place_of(artifact), []).append(artifact)
    for own_pods in pods(files) if quotas else ():
        place = place_of(own_pods.artifact)
        for quota in quotas.get(place, ()):
            hard = {key if "." in key else f"requests.{key}" for key in Quota(quota).hard}
            asked = [key for key in _COUNTED if key in hard - given.get(place, set())]
            yield CountedPods(own_pods, quota, tuple(asked))


GATE = Gate(
    id="SCL016",
    title="Pods of a namespace with a quota say the amounts that it counts",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/policy/resource-quotas/#compute-resource-quota: "
    "a pod that does not say what the quota counts is refused",
    check=check,
    of_files=check,
    scope=counted_in_files("pods in namespaces with a quota", _counted),
    targets=("cluster",),
    reads="ResourceQuotas without scopes beside the containers and the LimitRanges of their "
    "namespace.",
)
