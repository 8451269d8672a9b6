"""Pods satisfy the profile `restricted` of Pod Security, with a read-only root filesystem."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Kubernetes: Pod Security Standards, Restricted, Volume Types.
VOLUMES = frozenset((
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
))  # fmt: skip
ENFORCE = "pod-security.kubernetes.io/enforce"
#: Programs that a kernel obeys for root of the node alone: its settings, file systems and disks.
OF_KERNEL = re.compile(
    r"sysctl|\b(fsfreeze|fstrim|u?mount|losetup|modprobe|nsenter|iptables|nft|blkdiscard|wipefs|sgdisk)\s"
    r"|/dev/(nvme|sd|vd|xvd|disk|mapper)"
)
#: Images of servers that write to their volumes and need nothing of a node.
OF_DATA = re.compile(
    r"([\w.:-]+/)*(postgres(ql)?|mysql|mariadb|mongo(db)?|redis|valkey|memcached|rabbitmq)(:|@|$)"
)
#: What a manifest gives, and does not merely not take away; most images run as root without a word.
GIVEN = ("is privileged", "adds", "uses")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each right that a pod does not need."""
    for own in pods(subject):
        for what in _pod(own):
            yield Finding(own.artifact.path, f"{own.kind} {own.name} {what}")
        for container in own.containers:
            for what in _container(own, container):
                yield Finding(own.artifact.path, f"{container.title} of {own.name} {what}")
    for space in subject.objects("Namespace"):
        if (level := metadata(space).labels.get(ENFORCE)) != "restricted":
            yield Finding(
                space.path, f"{title(space)} has {ENFORCE} {level}; write `{ENFORCE}: restricted`"
            )


def of_files(files: Files) -> Iterator[Finding]:
    """Yield rights that are given as errors, and those that are not taken away as warnings."""
    for own in pods(files):
        for what in _pod(own):
            yield Finding(own.at(), f"{own.kind} {own.name} {what}")
        for container in own.containers:
            which = f"{container.title} of {own.kind} {own.name}"
            whole = container.security.over(own.spec.security)
            for what in _container(own, container):
                # Devices and the settings of a kernel are a node's, so they need rights on it.
                is_agent = own.spec.has_devices or own.spec.is_pinned or _asks_kernel(container)
                # What is called privileged is meant to be.
                is_meant = "privileged" in own.name
                given = what.startswith(GIVEN) and not is_agent and not is_meant
                # Which others need the rights of a node, files do not say.
                is_store = "privileged" in what and OF_DATA.match(container.image or "")
                of = "runs a server of data and " if is_store else ""
                yield Finding(container.at(), f"{which} {of}{what}", warning=not given)
            if 0 in (whole.group, own.spec.security.file_group):
                yield Finding(container.at(), f"{which} is in the group of root; name another")


def _asks_kernel(container: Container) -> bool:
    return any(OF_KERNEL.search(word) for word in container.words)


def _pod(own: Pods) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if own.spec.shares(key):
            yield f"shares the node's ({key}); remove it"
    for volume in own.spec.volumes:
        for kind in volume.kinds - VOLUMES:
            yield f"mounts a volume of kind {kind} ({volume.name}); use a claim or emptyDir"


def _container(pod: Pods, container: Container) -> Iterator[str]:
    own = container.security
    whole = own.over(pod.spec.security)
    if not whole.not_root:
        yield "may run as root; set runAsNonRoot: true"
    if whole.user == 0:
        yield "runs as user 0; set runAsUser to one above 0"
    if own.privileged:
        yield "is privileged; remove it"
    if own.may_escalate:
        yield "may gain privileges; set allowPrivilegeEscalation: false"
    if "ALL" not in own.dropped:
        yield "keeps capabilities; set capabilities: {drop: [ALL]}"
    if more := own.added - {"NET_BIND_SERVICE"}:
        yield f"adds the capability {', '.join(sorted(more))}; remove it"
    if whole.seccomp not in ("RuntimeDefault", "Localhost"):
        yield "may make any system call; set seccompProfile: {type: RuntimeDefault}"
    if not own.read_only_root:
        yield "may write to its own image; set readOnlyRootFilesystem: true and mount what it needs"
    if any(port.host_port for port in container.ports):
        yield "uses a port of its node (hostPort); remove it"


def _judged(subject: Subject) -> list[object]:
    return [*pods(subject), *subject.objects("Namespace")]


GATE = Gate(
    id="SEC001",
    title="Pods satisfy the restricted profile, with a read-only root",
    phase="security",
    source="Kubernetes: Pod Security Standards, Restricted",
    check=check,
    of_files=of_files,
    scope=counted_in_files("pods and namespaces", pods, _judged),
    reads="securityContext and volumes of all pods, and the label by which the namespace "
    "enforces the profile. Of files without a plan: pods alone, and what is merely not taken "
    "away is a warning.",
)
