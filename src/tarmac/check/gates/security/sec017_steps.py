"""Steps of workflows have no rights of a node: those of Argo Workflows, Tekton and others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.templates import spec_paths

#: Groups whose objects hold containers outside of a pod's `spec`.
GROUPS = frozenset({"argoproj.io", "tekton.dev", "sparkoperator.k8s.io", "flink.apache.org"})
#: Keys below which one container is, or a list of them.
_KEYS = frozenset({
    "container", "script", "containers", "initContainers", "sidecars", "steps", "stepTemplate",
    "containerDefaults", "driver", "executor",
})  # fmt: skip
_SHARED = ("hostNetwork", "hostPID", "hostIPC")
#: Capabilities that are as good as a node's.
_STRONG = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH", "BPF"})
#: Sockets of what runs containers: a process that writes to one owns the node.
_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock")

_PRIVILEGED = re.compile(r"\bprivileged[\"']?\s*:\s*true\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that own the node on which they run."""
    for artifact in _judged(files):
        pods = spec_paths(artifact.data)
        for path, what in _faults(artifact.data, (), pods, ""):
            yield Finding(artifact.at(*path), f"{title(artifact).strip()} {what}", warning=True)


def _faults(
    value: Any, path: Path, pods: tuple[Path, ...], above: str
) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong in a part of an object; without a name it has that of what it is in."""
    if path in pods:
        return  # SEC001 judges these
    if isinstance(value, Mapping):
        above = string(value, "name") or above
        yield from _of_mapping(value, path, above)
        for key, part in value.items():
            if isinstance(part, dict | list):
                yield from _faults(part, (*path, str(key)), pods, above)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            if isinstance(part, dict | list):
                yield from _faults(part, (*path, number), pods, above)


def _of_mapping(value: Mapping[str, Any], path: Path, name: str) -> Iterator[tuple[Path, str]]:
    is_container = bool(_KEYS & {str(step) for step in path[-2:]})
    own = fields(value, "securityContext") if is_container else {}
    if own.get("privileged") is True:
        what = f"has a privileged container ({name}), so what it runs owns the node"
        yield (*path, "securityContext", "privileged"), f"{what}; remove it, and what needs it"
    if _PRIVILEGED.search(string(value, "podSpecPatch")):
        what = "makes a container privileged by podSpecPatch, so what it runs owns the node"
        yield (*path, "podSpecPatch"), f"{what}; remove it"
    strong = _STRONG & set(map(str, items(own, "capabilities", "add")))
    if strong:
        what = (
            f"has a container ({name}) with {', '.join(sorted(strong))}, which is as good as root"
        )
        yield (*path, "securityContext", "capabilities"), f"{what} of the node; remove it"
    for key in _SHARED:
        if value.get(key) is True:
            yield (*path, key), f"shares its node's ({key}); remove it"
    socket = string(value, "hostPath", "path")
    if socket.endswith(_SOCKETS):
        what = f"mounts {socket} of its node, so what it runs owns the node"
        yield (*path, "hostPath"), f"{what}; build without it"


def _judged(files: Files) -> list[Artifact]:
    return [
        one
        for one in files.objects()
        if group_of(one) in GROUPS and isinstance(dig(one.data, "spec"), Mapping)
        and one.data.get("kind") not in ("Application", "ApplicationSet", "AppProject", "Rollout")
    ]  # fmt: skip


GATE = Gate(
    id="SEC017",
    title="Steps of workflows have no rights of a node",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline: a "
    "privileged container is not kept apart from its node, and a step runs what is being built",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("objects with containers of their own", _judged),
    targets=("cluster",),
    reads="containers, scripts, sidecars and steps of Argo Workflows and Tekton, drivers of Spark, "
    "and their volumes; SEC001 judges pods by their `spec`.",
)
