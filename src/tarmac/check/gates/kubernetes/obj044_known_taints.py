"""Tolerations and selectors of nodes name the taints and labels that Kubernetes itself gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class NodeKey(NamedTuple):
    """A key of a taint or a label of nodes that a pod names."""

    own: Pods
    where: str
    #: What it is: a toleration, or a selector.
    use: str
    key: str


def check(files: Files) -> Iterator[Finding]:
    """Yield keys in Kubernetes' own groups that no node has."""
    for named in _keys(files):
        known = published("node_keys")[named.use]
        group, _, name = named.key.partition("/")
        there = [one.partition("/")[2] for one in known if one.startswith(f"{group}/")]
        if there and name not in there:
            what = f"{title(named.own.artifact)} names {named.key} in a {named.use}, which no node"
            choice = did_you_mean(name, there)
            yield Finding(named.where, f"{what} has by that name; {choice}", warning=True)


@once
def _keys(files: Files) -> Iterator[NodeKey]:
    for own in pods(files):
        spec = fields(own.artifact.data, *own.path)
        for number, one in numbered(spec, "tolerations"):
            if "/" in string(one, "key"):
                yield NodeKey(own, own.at("tolerations", number), "toleration", string(one, "key"))
        for key in fields(spec, "nodeSelector"):
            if "/" in str(key):
                yield NodeKey(own, own.at("nodeSelector", str(key)), "selector", str(key))
        for number, one in numbered(spec, "topologySpreadConstraints"):
            if "/" in (key := string(one, "topologyKey")):
                where = own.at("topologySpreadConstraints", number)
                yield NodeKey(own, where, "selector", key)


GATE = Gate(
    id="OBJ044",
    title="Taints and labels of nodes are ones that nodes have",
    phase="kubernetes",
    source="https://kubernetes.io/docs/reference/labels-annotations-taints: labels and taints that "
    "the control plane and kubelets give to nodes",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("keys of nodes", _keys),
    targets=("cluster",),
    reads="tolerations, nodeSelector and topology keys in the groups of Kubernetes, Karpenter and "
    "EKS beside assets/published.yaml; those of one's own are not known.",
)
