"""Pods that may not run as root have an image that does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import by_maker
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.pods.tasks import WORKFLOWS
from tarmac.check.gates.views.pods.user_numbers import lacks_number
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class ContainerUser(NamedTuple):
    """A container that may not run as root, and for which no number of a user is written."""

    title: str
    name: str
    image: str
    where: str


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that the kubelet does not start, for their image begins as root."""
    users = published("image_users")
    for one in _judged(files):
        name = by_maker(one.image)
        if re.fullmatch(users["root"], name):
            what = f"the image {name} begins as root"
        elif name in users["named"]:
            what = f"the image {name} has a user by name, which may be root to the kubelet"
        else:
            continue
        said = f"{one.title} has runAsNonRoot and no runAsUser, and {what}: it does not start"
        yield Finding(one.where, f"{said} {one.name}; write runAsUser with a number")


@once
def _judged(files: Files) -> Iterator[ContainerUser]:
    for own in pods(files):
        for container in own.main_containers:
            where = lacks_number(own, container)
            if where and not is_renamed(files, container.image):
                yield ContainerUser(
                    title(own.artifact), str(container.name), container.image, where
                )
    for artifact in files.objects(*WORKFLOWS):
        yield from _of_workflow(artifact, WORKFLOWS[kind_of(artifact)])


def _of_workflow(artifact: Artifact, path: Path) -> Iterator[ContainerUser]:
    """Yield the same of a Workflow of Argo, each of whose templates is a pod."""
    spec = fields(artifact.data, *path)
    for number, template in numbered(spec, "templates"):
        for key in ("container", "script"):
            places: list[Path] = [
                (*path, "templates", number, key),
                (*path, "templates", number),
                path,
            ]
            image = string(template, key, "image")
            contexts = [fields(artifact.data, *place, "securityContext") for place in places]
            is_numbered = any("runAsUser" in one for one in contexts)
            told = next((at for at, one in enumerate(contexts) if "runAsNonRoot" in one), None)
            if not image or told is None or is_numbered:
                continue
            if contexts[told]["runAsNonRoot"] is True:
                where = artifact.at(*places[told], "securityContext", "runAsNonRoot")
                yield ContainerUser(title(artifact), string(template, "name"), image, where)


GATE = Gate(
    id="SEC027",
    title="Pods that may not run as root have an image that does not",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: with "
    "runAsNonRoot the kubelet refuses an image whose user is root, or has a name",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("containers that may not run as root, without a user", _judged),
    targets=("cluster",),
    reads="runAsNonRoot and runAsUser of pods, containers and Workflows of Argo, and the users of "
    "the images in `image_users` of assets/published.yaml.",
)
