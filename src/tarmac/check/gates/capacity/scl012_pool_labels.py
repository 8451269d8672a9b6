"""Labels of nodes that pods ask for are given by a pool of nodes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Groups whose labels nodes have by themselves.
_GIVEN = ("kubernetes.io", "k8s.io", "karpenter.sh", "karpenter.k8s.aws", "amazonaws.com")


def check(files: Files) -> Iterator[Finding]:
    """Yield labels that a pod asks of its node and that no pool here gives."""
    known = sorted(set(_labels(files)))
    for own, key in _asked(files):
        group = key.partition("/")[0]
        if key not in known and any(one.partition("/")[0] == group for one in known):
            what = f"{title(own.artifact)} asks for a node with {key}, which no NodePool gives its"
            choice = did_you_mean(key, known)
            where = own.at("nodeSelector", key)
            yield Finding(where, f"{what} nodes: its pods stay pending; {choice}", warning=True)


@once
def _labels(files: Files) -> Iterator[str]:
    """Yield the labels that pools of Karpenter give, or choose by."""
    for pool in files.objects("NodePool", "Provisioner"):
        template = fields(pool.data, "spec", "template")
        yield from map(str, fields(template, "metadata", "labels"))
        yield from map(str, fields(pool.data, "spec", "labels"))
        for one in items(template, "spec", "requirements"):
            yield string(one, "key")


@once
def _asked(files: Files) -> Iterator[tuple[Pods, str]]:
    """Yield labels with a group of one's own that pods ask for, where there are pools."""
    for own in pods(files) if any(True for _ in _labels(files)) else ():
        for key in map(str, fields(own.artifact.data, *own.path, "nodeSelector")):
            group, slash, _ = key.partition("/")
            if slash and not group.endswith(_GIVEN):
                yield own, key


GATE = Gate(
    id="SCL012",
    title="Labels of nodes that pods ask for are given by a pool",
    phase="kubernetes",
    source="https://karpenter.sh/docs/concepts/scheduling/#user-defined-labels: a node is made for "
    "a pod only by a pool that has the label",
    check=check,
    of_files=check,
    scope=counted_in_files("labels of nodes of one's own", _asked),
    targets=("cluster",),
    reads="nodeSelector of pods beside labels and requirements of NodePools, for labels in a group "
    "that a pool uses. Nodes of another origin are not known, so all are warnings.",
)
