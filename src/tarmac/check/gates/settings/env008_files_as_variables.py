"""What pods take all variables from has a key for each, and no files of variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import entries, text_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_VARIABLE = re.compile(r"[A-Za-z_]\w*")
#: What kustomize puts behind the name of what it makes.
_HASH = re.compile(r"(.+)-[a-z0-9]{10}")
_GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
#: Of so many variables a file is one of variables.
_LEAST = 2


class HeldFile(NamedTuple):
    """A file of variables that is one key of a ConfigMap or Secret without any other."""

    kind: str
    name: str
    where: str
    key: str
    variables: tuple[str, ...]
    advice: str


def check(files: Files) -> Iterator[Finding]:
    """Yield files of variables that pods read as one variable, or not at all."""
    taken = _taken(files)
    for one in _held(files) if taken else ():
        if by := taken.get((one.kind, one.name)):
            what = f"{one.kind} {one.name} has all of {one.key} as one key, and {by} takes a"
            said = f"{what} variable of each key (envFrom): it has no {one.variables[0]};"
            yield Finding(one.where, f"{said} {one.advice}")


def _taken(files: Files) -> dict[tuple[str, str], str]:
    """Find what takes all variables from a ConfigMap or Secret, by its kind and name."""
    found: dict[tuple[str, str], str] = {}
    for own in pods(files):
        for container in own.containers:
            for source in (one for taken in container.sources for one in taken.sources):
                made = _HASH.fullmatch(str(source.name))
                for name in (str(source.name), made[1] if made else ""):
                    found.setdefault((source.kind, name), title(own.artifact))
    return found


@once
def _held(files: Files) -> Iterator[HeldFile]:
    for artifact in kustomization_files(files):
        folder = posixpath.dirname(artifact.path)
        for generator, kind in _GENERATORS.items():
            for number, made in numbered(artifact.data, generator):
                listed = [one for one in items(made, "files") if isinstance(one, str)]
                if len(listed) != 1 or {"envs", "env", "literals", "behavior"} & made.keys():
                    continue
                key, _, named = listed[0].rpartition("=")
                text = text_of(files, posixpath.normpath(posixpath.join(folder, named))) or ""
                key = key or posixpath.basename(named)
                if (names := _variables(text)) and not _VARIABLE.fullmatch(key):
                    where = artifact.at(generator, number, "files")
                    advice = f"write {named} to envs, and not to files"
                    yield HeldFile(kind, string(made, "name"), where, key, names, advice)
    for artifact in files.objects("ConfigMap"):
        data = ConfigMap(artifact).data
        for key, value in data.items() if len(data) == 1 and not artifact.built_by else ():
            names = _variables(value) if isinstance(value, str) else ()
            if names and not _VARIABLE.fullmatch(str(key)):
                where = artifact.at("data", str(key))
                advice = "write each line as a key of its own"
                yield HeldFile("ConfigMap", name_of(artifact), where, str(key), names, advice)


def _variables(text: str) -> tuple[str, ...]:
    """List the variables of a text that is nothing but lines of them."""
    lines = [one.strip() for one in text.splitlines()]
    said = [one for one in lines if one and not one.startswith("#")]
    if len(said) < _LEAST or not all("=" in one and one[0] not in "[;<{" for one in said):
        return ()
    read = list(entries(text))
    is_whole = all(not one.fault and _VARIABLE.fullmatch(one.name) for one in read)
    return tuple(one.name for one in read) if is_whole and len(read) == len(said) else ()


GATE = Gate(
    id="ENV008",
    title="What pods take all variables from has a key for each",
    phase="kubernetes",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap: a "
    "file is one key, and envFrom makes one variable of each key",
    check=check,
    of_files=check,
    scope=counted_in_files("files of variables in ConfigMaps and Secrets", _held),
    targets=(),
    reads="ConfigMaps and generators of kustomize with one file of variables and nothing else, "
    "beside envFrom of pods. Judges files without a plan only.",
)
