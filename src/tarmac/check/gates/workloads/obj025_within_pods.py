"""Containers of a pod share its network, find what they run, and see what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Images of programs that wait for settings to change, and tell the server beside them.
_RELOADERS = re.compile(r"(?i)(.*/)?[\w-]*(config(map)?-?reload(er)?|reload-config)[\w-]*")
#: Options by which a program reads its settings again when their file changes.
_WATCHES = re.compile(
    r"(?<!\S)--?[\w.-]*(?:watch[\w.-]*(?:config|file)|(?:config|file)[\w.-]*(?:watch|reload)"
    r"|auto-?reload|hot-?reload|reload-config|watch)(?:=true)?(?!\S)"
)
#: Volumes whose content is known, or which begin empty: no program is in them.
_WITHOUT = ("configMap", "secret", "emptyDir", "downwardAPI", "projected")


def check(files: Files) -> Iterator[Finding]:
    """Yield ports that two have, mounts over a program, and files that stay as they were."""
    for own in pods(files):
        yield from _ports(own)
        yield from _kept(own)
        volumes = {volume.name: volume.kinds for volume in own.spec.volumes}
        written = {m.path for c in own.init_containers for m in c.mounts}
        for container in own.containers:
            yield from _hidden(own, container, volumes, written)
            command = items(container.data, "command")
            if command and str(command[0]).startswith("-"):
                what = f"{title(own.artifact)}: the command of {container.name} begins with"
                said = f"{what} {command[0]}, and a command takes the place of the image's program,"
                yield Finding(container.at("command"), f"{said} so it is not found; write args")


def _ports(own: Pods) -> Iterator[Finding]:
    """Yield a port that another container of the same pod has before it."""
    first: dict[tuple[int, str], Container] = {}
    for container in own.main_containers:
        for number, port in enumerate(container.ports):
            if port.number is None:
                continue
            protocol = str(port.data.get("protocol") or "TCP")
            other = first.setdefault((port.number, protocol), container)
            if other is not container:
                what = f"{title(own.artifact)}: its containers {other.name} and {container.name}"
                where = container.at("ports", number)
                yield Finding(where, f"{what} share one network, and both have port {port.number}: "
                    "the second does not start; give it another port")  # fmt: skip


def _kept(own: Pods) -> Iterator[Finding]:
    """Yield single files of settings, which never change, beside a program that waits for it."""
    waits = [one for one in own.containers if _RELOADERS.fullmatch(untagged(one.image))]
    seen = {mount.volume for one in waits for mount in one.mounts}
    settings = {one.name for one in own.spec.volumes if one.kinds & {"configMap", "secret"}}
    for container in own.main_containers:
        words = " ".join(container.words)
        for number, mount in enumerate(container.mounts if container not in waits else ()):
            watches = _WATCHES.search(words) if mount.path in words else None
            if watches and mount.sub_path and mount.volume in settings:
                what = f"{title(own.artifact)}: {container.name} waits for {mount.path} to change"
                said = f"{what} ({watches[0].strip()}), and mounts it by subPath, which never"
                where = container.at("volumeMounts", number)
                yield Finding(where, f"{said} changes in a pod; mount the folder")
            elif mount.sub_path and mount.volume in seen & settings:
                what = f"{title(own.artifact)}: {waits[0].name} waits for {mount.volume} to change"
                said = f"{what}, and {container.name} mounts one file of it by subPath, which never"
                where = container.at("volumeMounts", number)
                yield Finding(where, f"{said} changes in a pod; mount the folder")


def _hidden(
    own: Pods, container: Container, volumes: dict[str | None, frozenset[str]], written: set[str]
) -> Iterator[Finding]:
    """Yield a mount over the folder of the command, in which no other program puts one."""
    program = next(iter(container.words), "") if container.data.get("command") else ""
    for number, mount in enumerate(container.mounts):
        folder = mount.path.rstrip("/")
        is_above = folder not in ("", "/") and program.startswith(f"{folder}/")
        kinds = volumes.get(mount.volume, frozenset())
        is_known = bool(kinds) and kinds <= {*_WITHOUT}
        has_it = "configMap" in kinds or "projected" in kinds
        if is_above and is_known and not mount.sub_path and mount.path not in written:
            if has_it and _gives(own, mount.volume, program.rpartition("/")[2]):
                continue
            what = (
                f"{title(own.artifact)}: {container.name} runs {program}, and a volume is mounted"
            )
            where = container.at("volumeMounts", number)
            yield Finding(where, f"{what} over {folder}, so it is not found; mount it elsewhere")


def _gives(own: Pods, volume: str | None, name: str) -> bool:
    """Tell whether a ConfigMap may have a program of a name: a script is kept in one, too."""
    return (
        "." in name
        or not name
        or any(
            one.name == volume
            and any(file.path == name for source in one.sources for file in source.files)
            for one in own.spec.volumes
        )
    )


def _judged(files: Files) -> Iterator[object]:
    for own in pods(files):
        yield from own.containers


GATE = Gate(
    id="OBJ025",
    title="Containers of a pod listen apart, find their program, and see what changes",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking; "
    "https://kubernetes.io/docs/concepts/configuration/configmap: a ConfigMap that is mounted by "
    "subPath is not updated",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("containers", _judged),
    targets=("cluster",),
    reads="ports that containers of one pod have, and volumes that begin empty or hold settings, "
    "mounted over the folder of a container's command; files mounted by subPath beside a container "
    "that reloads, or in one that is told to watch them.",
)
