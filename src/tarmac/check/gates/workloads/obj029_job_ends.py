"""A Job ends: none of its containers is a server that runs on when the work is done."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.ends import is_ended, is_stopped
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.served import is_server
from tarmac.check.gates.views.scope import counted_in_files

_HOOK, _DELETED = "helm.sh/hook", "helm.sh/hook-delete-policy"


def check(files: Files) -> Iterator[Finding]:
    """Yield servers beside the work of a Job, which nothing ends, and hooks that stay."""
    yield from _left(files)
    for own in _of_several(files):
        servers = [
            one
            for one in own.main_containers
            if is_server(one) and not is_renamed(files, one.image)
        ]
        others = [one for one in own.main_containers if one not in servers]
        if not servers or not others or dig(own.spec.data, "shareProcessNamespace") is True:
            continue
        if is_ended(own) or is_stopped(own, files):
            continue
        for one in servers:
            what = f"{title(own.artifact)}: {one.name} runs on when {others[0].name} is done, so"
            advice = "make it an initContainer with restartPolicy: Always"
            where = own.artifact.at(*one.path)
            yield Finding(where, f"{what} the Job is never complete; {advice}")


def _left(files: Files) -> Iterator[Finding]:
    """Yield Jobs of a chart's hooks that stay when they fail, so that the next one is refused."""
    for artifact in files.objects("Job", "Pod"):
        noted = metadata(artifact).annotations
        hooks, policy = (str(noted.get(key, "")) for key in (_HOOK, _DELETED))
        if "upgrade" in hooks and policy and "before-hook-creation" not in policy:
            what = f"{title(artifact)} is a hook that is deleted by {policy} alone, so a failed one"
            where = artifact.at("metadata", "annotations", _DELETED)
            advice = "stays and the next release is refused; add before-hook-creation"
            yield Finding(where, f"{what} {advice}", warning=True)


def _of_several(files: Files) -> Iterator[Pods]:
    for own in pods(files, "Job", "CronJob", "ScaledJob"):
        if len(own.main_containers) > 1:
            yield own


def _judged(files: Files) -> Iterator[object]:
    yield from _of_several(files)
    hooks = files.objects("Job", "Pod")
    yield from (one for one in hooks if _HOOK in metadata(one).annotations)


GATE = Gate(
    id="OBJ029",
    title="A Job ends when its work is done",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#jobs-with-sidecar"
    "-containers: a Job is complete when all of its containers have ended",
    check=check,
    of_files=check,
    scope=counted_in_files("Jobs of several containers, and hooks", _judged),
    targets=("cluster",),
    reads="images and commands of the containers of a Job, beside the servers that "
    "assets/published.yaml lists, and scripts beside it that stop one; not what is added to its "
    "pods when they are made. Of hooks of charts, when they are deleted.",
)
