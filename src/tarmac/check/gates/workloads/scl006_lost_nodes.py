"""Lost nodes: the pods of a node that does not answer any more are made elsewhere, and soon."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted_in_files

#: The taints of a node that is lost: its kubelet is silent, or says that it cannot run pods.
LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
#: What Kubernetes gives a pod that says nothing of them.
DEFAULT_S = 300
#: A label of nodes of the control plane, by its key or its value.
_CONTROL = re.compile(r"[/=](master|control-plane)(=|$)")
#: Pods of others stay on purpose: a StatefulSet's may still write, a DaemonSet's are a node's own.
MOVABLE = ("Deployment", "Rollout")


def check_files(files: Files) -> Iterator[Finding]:
    """Yield pods that stay on a lost node for ever, too long, or not for a moment."""
    for pod in pods(files, *MOVABLE):
        for number, toleration in enumerate(pod.spec.tolerations):
            if not any(toleration.of(taint, "NoExecute") for taint in LOST):
                continue
            where, owner = pod.at("tolerations", number), title(pod.artifact)
            after_s = toleration.after_s
            if after_s is None:
                what = "its pods stay on a lost node for ever; add tolerationSeconds: 30"
                # One of every taint may be meant so: what the cluster itself needs. What runs
                # on a node that is not ready, and in its network, makes it ready.
                makes_ready = toleration.key == LOST[0] and pod.spec.shares("hostNetwork")
                is_own = not toleration.key or makes_ready or _is_of_cluster(pod)
                yield Finding(where, f"{owner}: {what}", warning=is_own)
            elif after_s > DEFAULT_S:
                what = f"{after_s} s on a lost node is longer than the default ({DEFAULT_S})"
                yield Finding(where, f"{owner}: {what}; make it shorter", warning=True)
            elif after_s <= 0:
                what = f"tolerates a lost node for {after_s} s, so a node that is silent for a"
                said = f"{what} moment loses all of its pods; write tolerationSeconds: 30"
                yield Finding(where, f"{owner} {said}", warning=True)


def _is_of_cluster(pod: Pods) -> bool:
    """Tell whether a pod asks for a node of the control plane, which may be the only one."""
    asked = pod.spec.node_selector
    return any(_CONTROL.search(f"{key}={value}") for key, value in asked.items())


def check(subject: Subject) -> Iterator[Finding]:
    """Yield these, and services without a disk whose pods nothing moves before the default."""
    yield from check_files(subject)
    keeping = running(subject)
    for workload in subject.plan.services:
        own = keeping.get(workload.name)
        if own is None or own.kind not in MOVABLE or workload.volumes:
            continue
        for taint in LOST:
            if not any(one.of(taint, "NoExecute") for one in own.spec.tolerations):
                what = f"its pods wait {DEFAULT_S} s on a node with {taint}; tolerate it for 30 s"
                yield Finding(own.at("tolerations"), f"{title(own.artifact)}: {what}")


def _judged(files: Files) -> Iterator[Pods]:
    yield from pods(files, *MOVABLE)


GATE = Gate(
    id="SCL006",
    title="Pods of a lost node are quickly recreated on another node",
    phase="kubernetes",
    source="kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration",
    check=check,
    of_files=check_files,
    alone=True,
    scope=counted_in_files("workloads that can move", _judged),
    reads="the tolerations of Deployments and Rollouts, and with a plan whether services without a "
    "disk have them. How fast a lost node is noticed is the cluster's own setting.",
)
