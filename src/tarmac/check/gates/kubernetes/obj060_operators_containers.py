"""What is said of an operator's own container is said by the container's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, at_each, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, title
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class NamedContainer(NamedTuple):
    """A container in an object that an operator makes pods of, and the operator's own names."""

    artifact: Artifact
    path: Path
    data: Fields
    names: tuple[str, ...]
    #: Whether another one beside it has such a name.
    is_beside: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield containers that are meant to be the operator's own, and have another name."""
    for one in _judged(files):
        name, image = string(one.data, "name"), untagged(string(one.data, "image"))
        is_same = image.rpartition("/")[2] == one.names[0]
        if name in one.names or one.is_beside or not (is_same or not image):
            continue
        what = f"{title(one.artifact)} says how its container {name} is, and the operator's own is"
        said = f"{what} called {one.names[0]}: that gets none of it, and {name} runs beside it"
        where = one.artifact.at(*one.path, "name")
        yield Finding(where, f"{said}; name it {one.names[0]}")


def _judged(files: Files) -> Iterator[NamedContainer]:
    known = published("own_containers")["kinds"]
    for artifact in files.objects(*{str(about["kind"]) for about in known}):
        for about in known:
            if about["kind"] != kind_of(artifact) or group_of(artifact) != about["group"]:
                continue
            names = tuple(map(str, about["names"]))
            for path, holder in at_each(artifact.data, str(about["at"]).split(".")):
                every = [fields(container) for container in items(holder, "containers")]
                is_beside = any(string(container, "name") in names for container in every)
                for number, container in enumerate(every):
                    place = (*path, "containers", number)
                    yield NamedContainer(artifact, place, container, names, is_beside)


GATE = Gate(
    id="OBJ060",
    title="Settings of an operator's container are of the container by its name",
    phase="kubernetes",
    source="https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/customize-pods: a "
    "template is merged with the operator's containers by their names",
    check=check,
    of_files=check,
    scope=counted_in_files("containers in objects of operators", _judged),
    targets=("cluster",),
    reads="containers of the kinds in `own_containers` of assets/published.yaml, which have the "
    "operator's image or none. Others are meant to run beside it.",
)
