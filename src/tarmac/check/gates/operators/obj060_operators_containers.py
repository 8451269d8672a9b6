"""What is said of an operator's own container is said by the container's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, at_each, dig, fields, items, string
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
    for artifact, path, needed in _needing(files):
        names = [string(one, "name") for one in items(artifact.data, *path, "containers")]
        if names and needed not in names and not any(set("{$") & set(name) for name in names):
            part = f" in {path[-3]}" if len(path) > 1 else ""
            what = f"{title(artifact)} has no container {needed}{part}, without which its operator"
            where = artifact.at(*path, "containers", 0, "name")
            yield Finding(where, f"{what} refuses it: nothing runs; name {names[0]} {needed}")


def _needing(files: Files) -> Iterator[tuple[Artifact, Path, str]]:
    """Yield where an operator takes containers with one of a name alone."""
    known = published("needed_containers")["kinds"]
    paths: dict[int, list[Path]] = {}
    for artifact, path in files.pod_specs(*(str(about["kind"]) for about in known)):
        paths.setdefault(id(artifact), []).append(path)
    for about in known:
        for artifact in files.objects(str(about["kind"])):
            is_other = dig(artifact.data, "spec", str(about.get("unless"))) is True
            if group_of(artifact) == about["group"] and not is_other:
                own: list[Path] = [("spec",)] if "unless" in about else paths.get(id(artifact), [])
                yield from ((artifact, path, str(about["name"])) for path in own)


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


def _scope(files: Files) -> Iterator[object]:
    yield from _judged(files)
    yield from _needing(files)


GATE = Gate(
    id="OBJ060",
    title="Settings of an operator's container are of the container by its name",
    phase="kubernetes",
    source="https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/customize-pods: a "
    "template is merged with the operator's containers by their names",
    check=check,
    of_files=check,
    scope=counted_in_files("containers in objects of operators", _scope),
    targets=("cluster",),
    reads="containers of the kinds in `own_containers` of assets/published.yaml, which have the "
    "operator's image or none. Others are meant to run beside it. And names of the containers of "
    "the kinds in `needed_containers`, which are refused without one.",
)
