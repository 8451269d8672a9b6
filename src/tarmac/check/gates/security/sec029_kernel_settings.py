"""A container that changes a setting of the kernel runs as root."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_SETS = re.compile(
    r"(?<![\w.-])sysctl[ \t]+(?:-\w+[ \t]+)*(?:-w|-p|[\w./]+=)"
    r"|>[ \t]*/proc/sys/"
)
_RISES = re.compile(r"\b(?:sudo|gosu|su-exec)\b")
#: Since this version its image has a user without rights.
_SINCE, _USER = 8, 1000
_GROUP = "elasticsearch.k8s.elastic.co"
_IMAGE = re.compile(
    r"(?:docker\.elastic\.co/elasticsearch/|(?:docker\.io/)?(?:library/)?)elasticsearch"
)
_MAJOR = re.compile(r"(\d+)\.")


class KernelSetting(NamedTuple):
    """A container that changes a setting of the kernel."""

    own: Pods
    container: Container


def check(files: Files) -> Iterator[Finding]:
    """Yield containers whose user may not change what they are to change."""
    for own, container in _settings(files):
        context = container.security.over(own.spec.security)
        user, by = context.user, "runAsUser"
        if user is None and not context.not_root:
            user, by = _of_image(own, container), "the user of its image"
        if user:
            what = f"{title(own.artifact)}: {container.name} sets the kernel as user {user} ({by}),"
            right = "and not even `privileged` gives that user the right: permission denied"
            said = f"{what} {right}, and no pod starts; write runAsUser: 0 for this container"
            yield Finding(container.at("securityContext"), said)


def _of_image(own: Pods, container: Container) -> int | None:
    """Return the user of Elasticsearch's image, where that is what runs; None: not known."""
    image = container.written_image
    version = image.partition("@")[0].rpartition(":")[2]
    if not image and group_of(own.artifact) == _GROUP:
        version = string(own.artifact.data, "spec", "version")
    elif not _IMAGE.fullmatch(untagged(image)):
        return None
    found = _MAJOR.match(version)
    return _USER if found and int(found[1]) >= _SINCE else None


def _pods(files: Files) -> Iterator[Pods]:
    """Yield all pods, and what is added to those of Elasticsearch, whose image may be left out."""
    for own in pods(files):
        if group_of(own.artifact) != _GROUP:
            yield own
    for artifact in files.objects("Elasticsearch"):
        for number, _ in numbered(artifact.data, "spec", "nodeSets"):
            if group_of(artifact) == _GROUP:
                path = ("spec", "nodeSets", number, "podTemplate", "spec")
                yield Pods(files, artifact, path)


@once
def _settings(files: Files) -> Iterator[KernelSetting]:
    for own in _pods(files):
        for container in own.init_containers:
            told = " ".join(container.words)
            if _SETS.search(told) and not _RISES.search(told):
                yield KernelSetting(own, container)


GATE = Gate(
    id="SEC029",
    title="A container that sets the kernel runs as root",
    phase="security",
    source="https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/virtual-memory: the "
    "container has runAsUser: 0; https://man7.org/linux/man-pages/man7/capabilities.7.html: a "
    "process of another user has none of a container's capabilities in effect",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("containers that set the kernel", _settings),
    targets=("cluster",),
    reads="commands of init containers that call sysctl or write below /proc/sys, beside runAsUser "
    "of the container and its pod. Of images, the user of Elasticsearch's alone is known.",
)
