"""A folder that kubectl applies has what its objects need before them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import Command, commands
from tarmac.check.gates.views.pipelines.workflows import FOLDER
from tarmac.check.gates.views.scope import counted_in_files

_APPLIES = re.compile(r"\bkubectl\b[^|;&<>]*?\s(?:apply|create)\s+(?!.*--dry-run)([^|;&<>]*)")
_FILE = re.compile(r"(?:^|\s)(?:-f|--filename)(?:[ \t]+|=)?[\"']?([^\s\"'$]+)[\"']?(?=\s|$)")
_DEEP = re.compile(r"(?:^|\s)(?:-R|--recursive)(?:=true)?(?=\s|$)")
#: What is done again where it fails, or may fail.
_AGAIN = re.compile(r"\|\||\buntil\b|\bwhile\b|\bretry\b|\bset \+e\b")
_MAKES_SPACE = re.compile(r"\b(?:create|apply)\b.*\b(?:namespaces?|ns)\b")
_MAKES_KIND = re.compile(r"\b(?:create|apply|replace)\b.*\bcrds?\b|CustomResourceDefinition")
_ENDINGS = (".yaml", ".yml", ".json")
_DEFINITION = "CustomResourceDefinition"


class AppliedFolder(NamedTuple):
    """A folder that a command applies, with its objects in the order in which it does."""

    command: Command
    folder: str
    objects: list[Artifact]
    #: What the same script runs before.
    before: list[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield folders of which a new cluster takes a part only."""
    for one in _applied(files):
        if any(map(_AGAIN.search, (*one.before, one.command.text))) or _is_again(one):
            continue
        if late := _late_space(one):
            first, space = late
            what = f"applies {one.folder} in the order of its names, and {_short(first, one)} is of"
            said = f"{what} Namespace {name_of(space)}, which {_short(space, one)} makes after it:"
            advice = f"a new cluster refuses that; apply {space.path} first"
            yield Finding(one.command.where, f"{said} {advice}")
        if own := _own_kind(one):
            used, made = own
            what = f"applies {one.folder} at once, and {_short(used, one)} has a"
            said = f"{what} {string(used.data, 'kind')}, which {_short(made, one)} defines: kubectl"
            why = "asks for all kinds before it applies one, so a new cluster has none; apply"
            yield Finding(one.command.where, f"{said} {why} {made.path} first")


def _late_space(one: AppliedFolder) -> tuple[Artifact, Artifact] | None:
    """Find an object that comes before its namespace."""
    if any(map(_MAKES_SPACE.search, one.before)):
        return None
    for number, made in enumerate(one.objects):
        if kind_of(made) == "Namespace":
            earlier = one.objects[:number]
            # One that is made before, by another document, is there.
            names = [name_of(own) for own in earlier if kind_of(own) == "Namespace"]
            found = next((own for own in earlier if space_of(own) == name_of(made)), None)
            if found is not None and name_of(made) not in names:
                return found, made
    return None


def _own_kind(one: AppliedFolder) -> tuple[Artifact, Artifact] | None:
    """Find an object of a kind that the same folder defines."""
    if any(map(_MAKES_KIND.search, one.before)):
        return None
    defined = {
        (string(made.data, "spec", "group"), string(made.data, "spec", "names", "kind")): made
        for made in one.objects
        if kind_of(made) == _DEFINITION
    }
    for own in one.objects:
        made = defined.get((group_of(own), string(own.data, "kind")))
        if made is not None:
            return own, made
    return None


def _is_again(one: AppliedFolder) -> bool:
    """Tell whether the same script has applied something of the folder before."""
    return any("kubectl" in text and one.folder.strip("/") in text for text in one.before)


def _short(artifact: Artifact, one: AppliedFolder) -> str:
    return posixpath.relpath(artifact.path, one.folder)


@once
def _applied(files: Files) -> Iterator[AppliedFolder]:
    before: dict[str, list[str]] = {}
    for command in commands(files):
        path = command.where.rpartition(":")[0]
        found = None if path.endswith(".md") else _APPLIES.search(command.text)
        for asked in _FILE.findall(found[1]) if found else ():
            objects = _objects(files, path, asked, is_deep=bool(_DEEP.search(command.text)))
            if objects:
                folder, own = objects
                yield AppliedFolder(command, folder, own, [*before.get(path, ())])
        before.setdefault(path, []).append(command.text)


@once
def _by_folder(files: Files) -> Iterator[dict[str, list[Artifact]]]:
    """Find what is in each folder and in those below it, once for all commands."""
    found: dict[str, list[Artifact]] = {}
    for one in files.artifacts:
        parts = one.path.split("/") if one.path.endswith(_ENDINGS) else []
        for depth in range(1, len(parts)):
            found.setdefault("/".join(parts[:depth]), []).append(one)
    yield found


def _objects(
    files: Files, path: str, asked: str, *, is_deep: bool
) -> tuple[str, list[Artifact]] | None:
    """List the objects of a folder in the order of their files; None where it is none."""
    if asked.endswith(_ENDINGS) or "://" in asked or asked in ("-", "."):
        return None
    root = path.partition(FOLDER)[0] if FOLDER in path else ""
    for base in dict.fromkeys((root, posixpath.dirname(path))):
        folder = posixpath.normpath(posixpath.join(base, asked))
        below = _by_folder(files)[0].get(folder, [])
        if any("kustomization" in posixpath.basename(one.path) for one in below):
            return None
        own = [one for one in below if is_deep or posixpath.dirname(one.path) == folder]
        found = sorted((one for one in own if one.is_object), key=lambda one: one.path.split("/"))
        if found:
            return folder, found
    return None


GATE = Gate(
    id="PIP072",
    title="A folder that kubectl applies has what its objects need before them",
    phase="delivery",
    source="https://github.com/kubernetes/kubectl/issues/1356: files of a folder are applied by "
    "their names, so a namespace that is made later is not there; kinds are asked for before the "
    "first object is applied",
    check=check,
    of_files=check,
    scope=counted_in_files("folders that kubectl applies", _applied),
    targets=("repository",),
    reads="kubectl apply -f of folders in workflows, scripts and recipes of make, beside the "
    "objects there in the order of the names of their files. Where the script makes namespaces or "
    "definitions before, or tries again, nothing is told.",
)
