"""Pools of nodes have an end, and each pod that may be on one fits a node of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files as files_of
from typing import Any

import yaml

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

CORE = "karpenter.sh"
TYPE = "node.kubernetes.io/instance-type"
#: The catalogue of prices has the sizes, too.
SIZES = files_of("tarmac") / "assets" / "prices.yaml"
#: Resources that have a size: in cores and in GiB.
UNITS = {"cpu": (1, "cores"), "memory": (1024**3, "GiB")}
#: Groups of labels that a pool may not give, those below them that it may, and single ones.
_RESERVED = ("kubernetes.io", "k8s.io")
_ALLOWED = ("node.kubernetes.io", "node-restriction.kubernetes.io", "kops.k8s.io")
_KNOWN = frozenset(
    f"{group}/{name}"
    for group, names in {
        "beta.kubernetes.io": ("instance-type", "os", "arch"),
        "failure-domain.beta.kubernetes.io": ("region", "zone"),
        "kubernetes.io": ("arch", "os"),
        "topology.kubernetes.io": ("region", "zone"),
    }.items()
    for name in names
)
#: Kinds that are gone -> what says the same now.
SUCCESSORS = {
    "Provisioner": "NodePool",
    "AWSNodeTemplate": "EC2NodeClass",
    "Machine": "NodeClaim",
}


def check(files: Files) -> Iterator[Finding]:
    """Yield pools without an end, such as Karpenter refuses, and pods that fit no node."""
    pools = list(_pools(files))
    for pool in pools:
        if not fields(pool.data, "spec", "limits"):
            what = f"{title(pool)} has no limits, and makes nodes as long as pods wait"
            advice = "write `limits: {cpu: ..., memory: ...}`"
            yield Finding(pool.at("spec"), f"{what}; {advice}")
        yield from _refused(pool)
        yield from _labelled(pool)
    for own in pods(files):
        yield from _fit(own, [pool for pool in pools if _selected(own, pool)])
    yield from _gone(files)


def _labelled(pool: Artifact) -> Iterator[Finding]:
    """Yield labels that Karpenter refuses to give: they are for Kubernetes to give."""
    place = ("spec", "template", "metadata", "labels")
    for key in fields(pool.data, *place):
        group = str(key).rpartition("/")[0]
        is_of_others = group.endswith(_RESERVED) and not group.endswith(_ALLOWED)
        if is_of_others and key not in _KNOWN:
            what = f"{title(pool)} gives its nodes the label {key}, of a group of Kubernetes's own:"
            said = f"{what} Karpenter refuses it, and makes no node; name a group of yours"
            yield Finding(pool.at(*place, str(key)), said)


def _pools(files: Files) -> Iterator[Artifact]:
    for artifact in files.objects("NodePool"):
        if group_of(artifact) == CORE:
            yield artifact


def _refused(pool: Artifact) -> Iterator[Finding]:
    """Yield what Karpenter refuses of consolidation, by the version that an object is of."""
    disruption = fields(pool.data, "spec", "disruption")
    if str(dig(pool.data, "apiVersion")).endswith("/v1beta1"):
        after = disruption.get("consolidateAfter", "Never")
        if disruption.get("consolidationPolicy") != "WhenEmpty" and after != "Never":
            what = f"{title(pool)} has consolidateAfter, which v1beta1 takes beside WhenEmpty alone"
            where = pool.at("spec", "disruption", "consolidateAfter")
            yield Finding(where, f"{what}: an API server refuses it; remove it")
        return
    if disruption and "consolidateAfter" not in disruption:
        what = f"{title(pool)} does not say after how long an empty node goes, and Karpenter 1"
        advice = "write `consolidateAfter: 30s`"
        yield Finding(pool.at("spec", "disruption"), f"{what} refuses it; {advice}")
    budgets = items(disruption, "budgets")
    if budgets and all(fields(one).get("schedule") for one in budgets):
        at = fields(budgets[0])
        what = (
            f"{title(pool)} has budgets for some hours only, as from {at['schedule']}, and beyond"
        )
        advice = 'them nothing limits how many nodes go at once; add one without a schedule, as "0"'
        where = pool.at("spec", "disruption", "budgets", 0)
        yield Finding(where, f"{what} {advice}", warning=True)
    if "expireAfter" in disruption:
        what = f"{title(pool)} has expireAfter at `disruption`, where Karpenter 1 does not read it"
        place = pool.at("spec", "disruption", "expireAfter")
        yield Finding(place, f"{what}; move it to `spec.template.spec`")


def _selected(own: Pods, pool: Artifact) -> bool:
    """Tell whether a pod's selector chooses nodes of a pool by a label of the pool's own."""
    chosen = own.spec.node_selector
    labels = fields(pool.data, "spec", "template", "metadata", "labels")
    return bool(chosen) and all(labels.get(key) == value for key, value in chosen.items())


def _fit(own: Pods, pools: list[Artifact]) -> Iterator[Finding]:
    """Yield a pod that no type of its pools has room for."""
    types = {name for pool in pools for name in _types(pool)}
    if not types or not types <= sizes().keys():
        return
    for resource, (one, unit) in UNITS.items():
        requests = [container.amount("requests", resource) for container in own.main_containers]
        wanted = float(sum(amount(request) for request in requests if request is not None)) / one
        largest = max(types, key=lambda name: (sizes()[name][resource], name))
        if wanted > room(largest, resource):
            names = ", ".join(sorted(title(pool) for pool in pools))
            what = f"{title(own.artifact)} requests {wanted:g} {unit}, and {largest}, the largest "
            what += f"type of {names}, has {room(largest, resource):g} for pods"
            yield Finding(own.at(), f"{what}; request less, or add a larger type")


def sizes() -> Mapping[str, Mapping[str, float]]:
    """Return cpu and memory of each type that is known."""
    found: Mapping[str, Mapping[str, float]] = _read()["instances"]
    return found


def room(kind: str, resource: str) -> float:
    """Return what a node of a type has for pods: the rest is its kubelet's and its system's."""
    return float(sizes()[kind][resource]) - float(_read()["nodes"]["reserved"][resource])


@cache
def _read() -> Any:
    return yaml.load(SIZES.read_text(encoding="utf-8"), yaml.CSafeLoader)


def _types(pool: Artifact) -> tuple[str, ...]:
    for requirement in items(pool.data, "spec", "template", "spec", "requirements"):
        if string(requirement, "key") == TYPE and string(requirement, "operator") == "In":
            return tuple(one for one in items(requirement, "values") if isinstance(one, str))
    return ()


def _gone(files: Files) -> Iterator[Finding]:
    """Yield objects of versions that Karpenter does not have any more."""
    for artifact in files.objects(*SUCCESSORS, "NodePool", "EC2NodeClass", "NodeClaim"):
        api = versions.read().apis.get(str(dig(artifact.data, "apiVersion")))
        if api is None or not api.removed or not group_of(artifact).startswith("karpenter."):
            continue
        kind = SUCCESSORS.get(artifact.data["kind"], artifact.data["kind"])
        what = f"{title(artifact)} is of {artifact.data['apiVersion']}, which {api.removed} removed"
        advice = f"write a {kind} of {api.successor}"
        yield Finding(artifact.at("apiVersion"), f"{what}; {advice} ({api.source})", warning=True)


def _judged(files: Files) -> Iterator[Artifact]:
    yield from _pools(files)
    for artifact in files.objects(*SUCCESSORS):
        if group_of(artifact).startswith("karpenter."):
            yield artifact


GATE = Gate(
    id="FIN002",
    title="Pools of nodes have limits, and nodes on which their pods fit",
    phase="finops",
    source="https://karpenter.sh/docs/concepts/nodepools: without limits only the account's end it",
    check=check,
    scope=counted_in_files("node pools", _judged),
    of_files=check,
    targets=("cluster",),
    reads="Karpenter's NodePools, kinds that are gone, and the requests of pods that select a pool "
    "by its own labels, beside the sizes of types in assets/prices.yaml; of other types it says "
    "nothing. DaemonSets and sidecars of a mesh are not counted.",
)
