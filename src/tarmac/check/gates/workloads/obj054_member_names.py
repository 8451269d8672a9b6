"""A server that keeps its data by its own name has the same name in each pod."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_PART = re.compile(r"\$[({]?(\w+)")
#: Fields that are others in each pod.
_ADDRESSES = ("status.podIP", "status.podIPs", "status.hostIP", "metadata.uid")


class NamedMember(NamedTuple):
    """A variable by which a server is told its own name, and its disk."""

    own: Pods
    container: Container
    number: int
    name: str
    value: str


def check(files: Files) -> Iterator[Finding]:
    """Yield names of servers that change with the pod, where the data stays."""
    for one in _judged(files):
        fields_of = {
            str(variable.get("name")): string(variable, "valueFrom", "fieldRef", "fieldPath")
            for variable in items(one.container.data, "env")
        }
        for part in _PART.findall(one.value):
            field = fields_of.get(part, "metadata.name" if part == "HOSTNAME" else "")
            is_random = field == "metadata.name" and one.own.kind != "StatefulSet"
            if field in _ADDRESSES or is_random:
                why = "its pod's address" if field in _ADDRESSES else "its pod's name"
                what = f"{title(one.own.artifact)} names its server by {why} ({one.name}), which is"
                said = (
                    f"{what} another in each new pod, and it keeps its data by that name: the new"
                )
                where = one.container.at("env", one.number)
                advice = "one begins empty; write the name of a StatefulSet's pod"
                yield Finding(where, f"{said} {advice}")
                break


@once
def _judged(files: Files) -> Iterator[NamedMember]:
    known = published("member_names")["variables"]
    for own in pods(files):
        for container in own.main_containers:
            lasting = any(mount.volume in _lasting(own) for mount in container.mounts)
            for number, variable in enumerate(items(container.data, "env") if lasting else ()):
                name, value = str(variable.get("name")), str(variable.get("value") or "")
                if name in known and "$" in value:
                    yield NamedMember(own, container, number, name, value)


def _lasting(own: Pods) -> set[str | None]:
    """List the volumes that outlive the pod."""
    made = items(own.artifact.data, "spec", "volumeClaimTemplates")
    claimed = {volume.name for volume in own.spec.volumes if volume.claim}
    return {*claimed, *(str(dig(one, "metadata", "name")) for one in made)}


GATE = Gate(
    id="OBJ054",
    title="A server that keeps data by its own name has the same name in each pod",
    phase="kubernetes",
    source="https://www.rabbitmq.com/docs/clustering#node-names: a node finds its data by its "
    "name, and one of another name is a new node",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("servers that are told their name", _judged),
    targets=("cluster",),
    reads="variables in assets/published.yaml by which servers are told their name, beside the "
    "volumes of their pods.",
)
