"""Pods are admitted by the level that their namespace enforces."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_LABEL = "pod-security.kubernetes.io/enforce"
_LEVELS = ("baseline", "restricted")
_SHARED = ("hostNetwork", "hostPID", "hostIPC")


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that the API server refuses in their namespace."""
    for own, level in _judged(files):
        faults = [*_baseline(own), *(_restricted(own) if level == "restricted" else ())]
        if faults:
            what = f"{title(own.artifact)} is refused by its namespace, which enforces {level}:"
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            advice = "change the pod, or the namespace's level"
            yield Finding(own.at(), f"{what} {faults[0]}{more}; {advice}")


@once
def _judged(files: Files) -> Iterator[tuple[Pods, str]]:
    levels = {
        name_of(one): str(metadata(one).labels.get(_LABEL)) for one in files.objects("Namespace")
    }
    for own in pods(files):
        level = levels.get(space_of(own.artifact))
        if level in _LEVELS:
            yield own, level


def _baseline(own: Pods) -> Iterator[str]:
    yield from (f"it has {key}" for key in _SHARED if own.spec.shares(key))
    for volume in own.spec.volumes:
        if "hostPath" in volume.kinds:
            yield f"volume {volume.name} is a folder of the node"
    for container in own.containers:
        if container.security.privileged:
            yield f"{container.title} is privileged"
        if any(port.host_port for port in container.ports):
            yield f"{container.title} uses a port of the node"


def _restricted(own: Pods) -> Iterator[str]:
    for container in own.containers:
        whole = container.security.over(own.spec.security)
        if not whole.not_root:
            yield f"{container.title} lacks runAsNonRoot: true"
        if container.security.may_escalate:
            yield f"{container.title} lacks allowPrivilegeEscalation: false"
        if "ALL" not in container.security.dropped:
            yield f"{container.title} does not drop ALL capabilities"
        if whole.seccomp not in ("RuntimeDefault", "Localhost"):
            yield f"{container.title} has no seccompProfile"


GATE = Gate(
    id="SEC015",
    title="Pods are admitted by the level that their namespace enforces",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/pod-security-admission: pods below the "
    "level that is enforced are refused, and a Deployment makes none without a word",
    check=check,
    of_files=check,
    scope=counted_in_files("pods in namespaces that enforce a level", _judged),
    reads="pods beside the Namespace that they are in, where both are among the files: what the "
    "levels baseline and restricted refuse of host access, users, rights and system calls.",
)
