"""A user that is not root may write to the volumes of its pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, title
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.pods.security_contexts import SecurityContext
from tarmac.check.gates.views.scope import counted_in_files

#: Where runs of tasks say which user they are, by their kind and group.
_RUNS: dict[tuple[str, str], tuple[Path, ...]] = {
    ("TaskRun", "tekton.dev"): (("spec", "podTemplate"),),
    ("PipelineRun", "tekton.dev"): (
        ("spec", "taskRunTemplate", "podTemplate"),
        ("spec", "podTemplate"),
    ),
    ("Workflow", "argoproj.io"): (("spec",),),
    ("WorkflowTemplate", "argoproj.io"): (("spec",),),
    ("ClusterWorkflowTemplate", "argoproj.io"): (("spec",),),
    ("CronWorkflow", "argoproj.io"): (("spec", "workflowSpec"),),
}
_GIVES = ("chown", "chmod")


class NewVolumes(NamedTuple):
    """A run whose tasks write to volumes that are made for it."""

    artifact: Artifact
    #: Where it says which user its tasks are.
    path: Path


def check(files: Files) -> Iterator[Finding]:
    """Yield volumes of claims that belong to root, where the pod runs as another user."""
    for own, container in _writing(files):
        user = container.security.over(own.spec.security).user
        if own.spec.security.file_group is None and not _is_given(own):
            what = f"{title(own.artifact)} runs {container.name} as user {user}, and sets no"
            said = f"{what} fsGroup: a new volume belongs to root, so it cannot write there"
            yield Finding(own.at("securityContext"), f"{said}; set fsGroup", warning=True)
    runs = list(_runs(files))
    tasks = files.objects("Task", "ClusterTask", "Pipeline", "WorkflowTemplate") if runs else ()
    is_given = any(_gives(one) for one in tasks)
    for artifact, path in runs:
        security = SecurityContext(fields(artifact.data, *path, "securityContext"))
        if security.user and security.file_group is None and not is_given and not _gives(artifact):
            what = f"{_run(artifact)} runs its tasks as user {security.user}, and sets no fsGroup:"
            said = f"{what} the volume that is made for them belongs to root, so they cannot write"
            where = artifact.at(*path, "securityContext")
            yield Finding(where, f"{said} there; set fsGroup", warning=True)


def _run(artifact: Artifact) -> str:
    made = string(artifact.data, "metadata", "generateName")
    return f"{kind_of(artifact)} {made}" if made else title(artifact)


def _runs(files: Files) -> Iterator[NewVolumes]:
    for artifact in files.objects(*{kind for kind, _ in _RUNS}):
        for path in _RUNS.get((kind_of(artifact), group_of(artifact)), ()):
            above = path if path[-1] != "podTemplate" else ("spec",)
            spaces = items(artifact.data, "spec", "workspaces")
            is_made = bool(items(artifact.data, *above, "volumeClaimTemplates"))
            is_made = is_made or any(dig(one, "volumeClaimTemplate") for one in spaces)
            if is_made and fields(artifact.data, *path, "securityContext"):
                yield NewVolumes(artifact, path)


def _gives(artifact: Artifact) -> bool:
    """Tell whether something in an object gives files to a user, as root."""
    return any(word in text for _, text in places(artifact.data) for word in _GIVES)


def _writing(files: Files) -> Iterator[tuple[Pods, Container]]:
    """Yield the first container of each pod that writes to a claim as a user without rights."""
    for own in pods(files, *SERVING):
        claims = {volume.name for volume in own.spec.volumes if volume.claim is not None}
        templates = items(own.artifact.data, "spec", "volumeClaimTemplates")
        claims |= {string(one, "metadata", "name") for one in templates}
        for container in own.main_containers if claims else ():
            writes = any(
                m.volume in claims and not m.data.get("readOnly") for m in container.mounts
            )
            if writes and container.security.over(own.spec.security).user:
                yield own, container
                break


def _is_given(own: Pods) -> bool:
    """Tell whether a container that runs first gives the volume to the user."""
    words = (word for one in own.init_containers for word in one.words)
    return any(give in word for word in words for give in _GIVES)


def _judged(files: Files) -> Iterator[object]:
    yield from _writing(files)
    yield from _runs(files)


GATE = Gate(
    id="SEC018",
    title="A user that is not root may write to its volumes",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: fsGroup "
    "gives a volume to a group of the pod's processes; without it most volumes are root's",
    check=check,
    of_files=check,
    scope=counted_in_files("pods that write to claims", _judged),
    targets=("cluster",),
    reads="runAsUser and fsGroup of pods that mount claims, and init containers that give a volume "
    "away; of runs of Tekton and Argo Workflows that have a volume made for them. Some drivers "
    "give it by themselves, so all are warnings.",
)
