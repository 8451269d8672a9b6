"""Pods that may not run as root have an image whose user is a number."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.user_numbers import lacks_number
from tarmac.check.gates.views.scope import counted_in_files


class BuiltImage(NamedTuple):
    """A Dockerfile whose last user has a name."""

    where: str
    user: str


def check(files: Files) -> Iterator[Finding]:
    """Yield pods whose user the kubelet cannot know, so that it starts none."""
    for own, container, built in _judged(files):
        if where := lacks_number(own, container):
            what = f"{title(own.artifact)} has runAsNonRoot, and the image of {container.name} has"
            said = f"{what} the user {built.user} by name ({built.where}): the kubelet cannot tell"
            advice = "whether that is root, and starts none; write runAsUser with its number"
            yield Finding(where, f"{said} {advice}")


def _named(files: Files) -> dict[str, BuiltImage | None]:
    """Find the images of Dockerfiles by the folder's name; "" is the only one, at the top."""
    found: dict[str, BuiltImage | None] = {}
    every = list(dockerfiles(files))
    for dockerfile in every:
        steps = stages(str(dockerfile.content))
        users = [one for one in steps[-1].instructions if one.word == "USER"] if steps else []
        folder = posixpath.dirname(dockerfile.path)
        if folder or len(every) == 1:
            name = users[-1].rest.strip().partition(":")[0] if users else ""
            is_name = bool(name) and not name.isdecimal() and "$" not in name and " " not in name
            where = f"{dockerfile.path}:{users[-1].line}" if users else ""
            key = posixpath.basename(folder)
            # Of several with one folder's name, none is known.
            found[key] = BuiltImage(where, name) if is_name and key not in found else None
    return found


@once
def _judged(files: Files) -> Iterator[tuple[Pods, Container, BuiltImage]]:
    named = {name: built for name, built in _named(files).items() if built is not None}
    every = [(own, one) for own in pods(files) for one in own.main_containers] if named else []
    images = {one.image_name for _, one in every}
    for own, one in every:
        built = named.get(one.image_name) if one.image_name else None
        if built is None and "" in named and len(images) == 1:
            built = named[""]
        if built is not None:
            yield own, one, built


GATE = Gate(
    id="SEC023",
    title="Pods that may not run as root have an image whose user is a number",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: of an image "
    "with a user by name the kubelet says that it cannot verify that it is not root",
    check=check,
    of_files=check,
    scope=counted_in_files("pods of an image with a user by name", _judged),
    targets=("cluster",),
    reads="USER of the last stage of Dockerfiles, beside runAsNonRoot and runAsUser of pods whose "
    "image has the name of the Dockerfile's folder, or is the only one beside the only Dockerfile.",
)
