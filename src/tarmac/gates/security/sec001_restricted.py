"""Pods satisfy the profile `restricted` of Pod Security, with a read-only root filesystem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import Pods, dig, pods, title
from tarmac.gates.views.scope import counted
from tarmac.report import Finding

#: Kubernetes: Pod Security Standards, Restricted, Volume Types.
VOLUMES = frozenset((
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
))  # fmt: skip
ENFORCE = "pod-security.kubernetes.io/enforce"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each right that a pod does not need."""
    for own in pods(subject):
        for what in _pod(own):
            yield Finding(own.artifact.path, f"{own.kind} {own.name} {what}")
        for container in own.containers:
            for what in _container(container, own.spec.get("securityContext") or {}):
                name = container.get("name")
                yield Finding(own.artifact.path, f"container {name} of {own.name} {what}")
    for space in subject.objects("Namespace"):
        if (level := dig(space.data, "metadata", "labels", ENFORCE)) != "restricted":
            yield Finding(
                space.path, f"{title(space)} has {ENFORCE} {level}; write `{ENFORCE}: restricted`"
            )


def _pod(own: Pods) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if own.spec.get(key):
            yield f"shares the node's ({key}); remove it"
    for volume in own.spec.get("volumes") or ():
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"mounts a volume of kind {kind} ({volume.get('name')}); use a claim or emptyDir"


def _container(container: Any, pod: Any) -> Iterator[str]:
    own = container.get("securityContext") or {}

    def either(key: str) -> Any:
        return own.get(key, pod.get(key))

    if either("runAsNonRoot") is not True:
        yield "may run as root; set runAsNonRoot: true"
    if either("runAsUser") == 0:
        yield "runs as user 0; set runAsUser to one above 0"
    if own.get("privileged"):
        yield "is privileged; remove it"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges; set allowPrivilegeEscalation: false"
    if "ALL" not in (dig(own, "capabilities", "drop") or ()):
        yield "keeps capabilities; set capabilities: {drop: [ALL]}"
    if more := set(dig(own, "capabilities", "add") or ()) - {"NET_BIND_SERVICE"}:
        yield f"adds the capability {', '.join(sorted(more))}; remove it"
    if dig(either("seccompProfile"), "type") not in ("RuntimeDefault", "Localhost"):
        yield "may make every system call; set seccompProfile: {type: RuntimeDefault}"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write to its own image; set readOnlyRootFilesystem: true and mount what it needs"
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield "uses a port of its node (hostPort); remove it"


def _judged(subject: Subject) -> list[object]:
    return [*pods(subject), *subject.objects("Namespace")]


GATE = Gate(
    id="SEC001",
    title="Pods satisfy the restricted profile, with a read-only root",
    phase="security",
    source="Kubernetes: Pod Security Standards, Restricted",
    check=check,
    scope=counted("pods and namespaces", _judged),
    reads="securityContext and volumes of all pods, and the label by which the namespace "
    "enforces the profile.",
)
