"""A user that is not root may write to the volumes of its pod."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.containers import Container
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield volumes of claims that belong to root, where the pod runs as another user."""
    for own, container in _writing(files):
        user = container.security.over(own.spec.security).user
        if own.spec.security.file_group is None and not _is_given(own):
            what = f"{title(own.artifact)} runs {container.name} as user {user}, and sets no"
            said = f"{what} fsGroup: a new volume belongs to root, so it cannot write there"
            yield Finding(own.at("securityContext"), f"{said}; set fsGroup", warning=True)


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
    return any(
        "chown" in word or "chmod" in word for one in own.init_containers for word in one.words
    )


GATE = Gate(
    id="SEC018",
    title="A user that is not root may write to its volumes",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: fsGroup "
    "gives a volume to a group of the pod's processes; without it most volumes are root's",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("pods that write to claims", _writing),
    targets=("cluster",),
    reads="runAsUser and fsGroup of pods that mount claims, and init containers that give a volume "
    "away. Some drivers give it by themselves, so all are warnings.",
)
