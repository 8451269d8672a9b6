"""What prepares a pod ends, so that its containers are started."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.pods.served import is_server
from tarmac.check.gates.views.scope import counted_in_files

#: What some images that serve are asked for, and ends.
_ENDS = re.compile(
    r"(?:^|\s)(?:istio-(?:clean-)?iptables|wait|shutdown|completion|validate|check-config|version"
    r"|--?(?:version|help|dry-run|test|validate|mode|initialize\S*|bootstrap)|-t)(?:[\s=]|$)"
)
#: A command that goes on for ever, and what ends it after all.
_FOR_EVER = re.compile(
    r"\bsleep\s+(?:infinity|inf)\b|\btail\s+(?:-\w+\s+)*-[fF]\b"
    r"|\bwhile\s+(?:true|:|\[\[?\s*(?:1|true)\s*\]?\])\s*(?:;|\n)"
)
_STOPS = re.compile(r"\b(?:break|exit|exec|return|kill|timeout)\b|&\s*$|&\s*\n")


def check(files: Files) -> Iterator[Finding]:
    """Yield init containers that run on."""
    for own, container in _preparing(files):
        words = " ".join(container.words)
        endless = _FOR_EVER.search(words)
        if endless is not None and not _STOPS.search(words):
            why = f"runs `{endless[0].strip()}`"
        elif is_server(container) and not _ENDS.search(words):
            if is_renamed(files, container.image):
                continue
            why = f"is a server ({container.image_name})"
        else:
            continue
        first = own.main_containers[0].name if own.main_containers else "nothing"
        what = f"{title(own.artifact)}: the init container {container.name} {why}, which does not"
        said = f"{what} end by itself, and {first} is started after its end: it never is; write"
        yield Finding(container.at(), f"{said} restartPolicy: Always for {container.name}")


@once
def _preparing(files: Files) -> Iterator[tuple[Pods, Container]]:
    """Yield the containers that have to end before others start."""
    for own in pods(files):
        for container in own.init_containers:
            if "restartPolicy" not in container.data:
                yield own, container


GATE = Gate(
    id="OBJ081",
    title="What prepares a pod ends, so that its containers are started",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/pods/init-containers: each must end "
    "before the next one starts; https://kubernetes.io/docs/concepts/workloads/pods/sidecar-"
    "containers: one with restartPolicy: Always runs beside the others",
    check=check,
    of_files=check,
    scope=counted_in_files("init containers", _preparing),
    targets=("cluster",),
    reads="images and commands of init containers without a restartPolicy, beside the servers that "
    "assets/published.yaml lists, and commands that wait for ever.",
)
