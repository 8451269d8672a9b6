"""What KEDA reads of a variable is a variable of the container that it asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_GROUP = "keda.sh/"
_KEYS = "FromEnv"
_CHOSEN = "envSourceContainerName"


class AskedVariable(NamedTuple):
    """A variable that a trigger is given by, and the pods in which it is looked for."""

    artifact: Artifact
    path: Path
    key: str
    name: str
    own: Pods
    #: Where the object chooses a container.
    above: Path

    @property
    def chosen(self) -> str:
        """The container that it asks; empty: the first one."""
        return string(self.artifact.data, *self.above, _CHOSEN)


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that the asked container does not have, and containers that are not there."""
    told = set[int]()
    for one in _asked(files):
        containers = {str(own.name): own for own in one.own.main_containers}
        names = list(containers)
        asked = one.chosen or names[0]
        what = f"{title(one.artifact)} reads"
        if asked not in containers:
            if id(one.artifact) not in told:
                told.add(id(one.artifact))
                where = one.artifact.at(*one.above, _CHOSEN)
                said = f"{what} variables of the container {asked}, which {title(one.own.artifact)}"
                yield Finding(where, f"{said} does not have: it never scales; {_one_of(names)}")
            continue
        if _may_have(one.own, containers[asked], one.name):
            continue
        variables = one.own.variables
        others = [name for name, own in containers.items() if one.name in variables.names(own)]
        said = f"{what} {one.key} of the variable {one.name} of the container {asked}, "
        where = one.artifact.at(*one.path)
        if others:
            why = f"which has none: {others[0]} has it, so the trigger has no value and never"
            yield Finding(where, f"{said}{why} scales; write {_CHOSEN}: {others[0]}")
        elif all(_is_known(one.own, own) for own in containers.values()):
            why = "which has none, so the trigger has no value and never scales; add it"
            yield Finding(where, f"{said}{why}", warning=True)


def _one_of(names: list[str]) -> str:
    return f"write one of: {', '.join(names)}"


def _may_have(own: Pods, container: Container, name: str) -> bool:
    return name in own.variables.names(container) or not _is_known(own, container)


def _is_known(own: Pods, container: Container) -> bool:
    """Tell whether all variables of a container are known; a key of a Secret may be elsewhere."""
    kinds = {one.kind for source in container.sources for one in source.sources}
    return "Secret" not in kinds and own.variables.are_known(container)


@once
def _asked(files: Files) -> Iterator[AskedVariable]:
    kept: dict[tuple[str, str, str], list[Pods]] = {}
    for own in pods(files):
        kept.setdefault((own.kind, own.name, space_of(own.artifact)), []).append(own)
    for artifact in files.objects("ScaledObject", "ScaledJob"):
        if not str(artifact.data["apiVersion"]).startswith(_GROUP):
            continue
        above: Path = ("spec",)
        target = (kind_of(artifact), string(artifact.data, "metadata", "name"))
        if kind_of(artifact) == "ScaledObject":
            above = ("spec", "scaleTargetRef")
            target = (str(target_of(artifact).kind), str(target_of(artifact).name))
        found = kept.get((*target, space_of(artifact)), [])
        found = [own for own in found if not are_apart(own.artifact, artifact)]
        found = [own for own in found if place_of(own.artifact) == place_of(artifact)] or found
        if len(found) != 1 or not found[0].main_containers:
            continue
        for number, trigger in numbered(artifact.data, "spec", "triggers"):
            for key, name in fields(trigger, "metadata").items():
                if str(key).endswith(_KEYS) and isinstance(name, str) and not is_mark(name):
                    path: Path = ("spec", "triggers", number, "metadata", str(key))
                    yield AskedVariable(artifact, path, str(key), name, found[0], above)


GATE = Gate(
    id="ENV009",
    title="What KEDA reads of a variable is one of the container that it asks",
    phase="kubernetes",
    source="https://keda.sh/docs/latest/concepts/scaling-deployments: variables are those of the "
    "first container of the target, or of the one that envSourceContainerName names",
    check=check,
    of_files=check,
    scope=counted_in_files("variables that triggers are given by", _asked),
    targets=("cluster",),
    reads="keys of triggers that end in FromEnv, beside the variables of the one target of that "
    "name in these files. A container that takes all keys of an object which is not here may have "
    "any.",
)
