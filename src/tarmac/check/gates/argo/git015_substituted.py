"""Flux fills in the variables of what it applies: those of a shell have to be escaped."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, mappings, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, space_of, title
from tarmac.check.gates.views.objects.stored_objects import ANY, StoredObjects, kept
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.unlisted import left_out
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_GROUP = "kustomize.toolkit.fluxcd.io/"
_LEFT = f"{_GROUP}substitute"
#: A variable that is filled in; `$$` before it escapes it.
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)\}")
#: What a script sets itself.
_SET = re.compile(r"^[ \t]*(?:export |local |readonly )?([A-Za-z_]\w*)=", re.MULTILINE)
#: What is lost of a comment is of no matter.
_COMMENT = re.compile(r"^[ \t]*#(?!!).*$", re.MULTILINE)
_SHELL = re.compile(r"^#!.*\b(ba|da|a|z|k)?sh\b|^[ \t]*set -[a-z]*e", re.MULTILINE)


class FluxSubstitution(NamedTuple):
    """A kustomization of Flux that fills in variables, and what it may fill in."""

    artifact: Artifact
    names: frozenset[str]
    folder: str


def check(files: Files) -> Iterator[Finding]:
    """Yield variables of scripts that become empty before the script runs."""
    # Several of one folder fill in the same files.
    by_folder = {one.folder: one for one in _filled(files)}
    if not by_folder:
        return
    apart, flux, variables = left_out(files), _of_flux(files), _variables(files, by_folder)
    for folder, filled in by_folder.items():
        # What is below the path of another one is its own, unless this one hands its variables on.
        hands_on = "postBuild" in str(fields(filled.artifact.data, "spec").get("patches", ""))
        others = (_path(one) for one in flux if not hands_on or one.path in apart)
        below = (one for one in others if one.startswith(f"{folder}/"))
        inside = {artifact.path for one in below for artifact in files.below(one)}
        for artifact in files.below(folder):
            if artifact.path in inside:
                continue
            noted = fields(artifact.data, "metadata")
            is_left = any(
                str(fields(noted, key).get(_LEFT)) == "disabled"
                for key in ("annotations", "labels")
            )
            if artifact.is_object and not is_left:
                yield from _lost(artifact, filled)
                yield from _of_pods(artifact, filled, variables[folder])


def _of_pods(
    artifact: Artifact, filled: FluxSubstitution, variables: frozenset[str]
) -> Iterator[Finding]:
    """Yield variables of a file that the pods of the folder have, and Flux does not."""
    texts = places(artifact.data.get("data")) if kind_of(artifact) == "ConfigMap" else ()
    for path, text in texts:
        lost = [name for name in _VARIABLE.findall(text) if name in variables - filled.names]
        if lost and "*" not in filled.names and not _SHELL.search(text):
            name = metadata(filled.artifact).name
            what = f"{title(artifact)} has ${{{lost[0]}}}, which a container beside it has, and"
            why = f"Kustomization {name} fills in variables (postBuild) before, and has none of"
            said = f"{what} {why} that name: it becomes empty; write $${{{lost[0]}}}"
            yield Finding(artifact.at("data", *path), said, warning=True)


def _lost(artifact: Artifact, filled: FluxSubstitution) -> Iterator[Finding]:
    for path, text in places(artifact.data):
        is_script = path[0] == "data" and kind_of(artifact) == "ConfigMap" and _SHELL.search(text)
        if is_script or "args" in path or "command" in path:
            code = _COMMENT.sub("", text)
            lost = [name for name in _VARIABLE.findall(code) if name not in filled.names]
            # Of variables that are kept elsewhere none has the name of one that a script sets.
            is_open = "*" in filled.names
            own = set(_SET.findall(text)) if is_open else set()
            if lost := [name for name in lost if not is_open or name in own]:
                what = f"{title(artifact)} has ${{{lost[0]}}} in a script, and Kustomization"
                name = metadata(filled.artifact).name
                said = f"{what} {name} fills in variables (postBuild), of which it has none of that"
                advice = f"name: it becomes empty; write $${{{lost[0]}}}"
                if is_open:
                    said = (
                        f"{what} {name} fills in variables (postBuild) before the script sets it:"
                    )
                    advice = f"it becomes empty; write $${{{lost[0]}}}"
                yield Finding(artifact.at(*path), f"{said} {advice}", warning=is_open)


def _variables(files: Files, folders: Iterable[str]) -> dict[str, frozenset[str]]:
    """List the variables of containers below each folder that Flux fills in."""
    found: dict[str, frozenset[str]] = {}
    of_files: dict[str, set[str]] = {}
    for own in pods(files):
        names = (variable.name for container in own.containers for variable in container.variables)
        of_files.setdefault(own.artifact.path, set()).update(filter(None, names))
    for folder in folders:
        below = (of_files.get(one.path, set()) for one in files.below(folder))
        found[folder] = frozenset().union(*below)
    return found


def _of_flux(files: Files) -> list[Artifact]:
    found = files.objects("Kustomization")
    return [one for one in found if str(one.data["apiVersion"]).startswith(_GROUP)]


def _path(one: Artifact) -> str:
    return posixpath.normpath(string(one.data, "spec", "path")).strip("/")


@once
def _filled(files: Files) -> Iterator[FluxSubstitution]:
    """Yield kustomizations that fill in variables; `*` is among those that are elsewhere."""
    flux = [one for one in _of_flux(files) if fields(one.data, "spec", "postBuild")]
    apart = left_out(files) if flux else ()
    there = StoredObjects(kept(files) if flux else ())
    for one in flux:
        build = fields(one.data, "spec", "postBuild")
        names = {str(name) for name in fields(build, "substitute")}
        for source in mappings(build.get("substituteFrom")):
            kind, name = string(source, "kind"), string(source, "name")
            found = there.named(kind, name, space_of(one))
            keys = [own.keys for own in found]
            names |= {"*"} if not keys or ANY in keys else frozenset().union(*keys)
        folder = _path(one)
        if folder not in ("", ".") and one.path not in apart:
            yield FluxSubstitution(one, frozenset(names), folder)


def _judged(files: Files) -> Iterator[Mapping[str, object]]:
    yield from (one.artifact.data for one in _filled(files))


GATE = Gate(
    id="GIT015",
    title="Variables of a shell are escaped where Flux fills in variables",
    phase="gitops",
    source="https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-"
    "substitution: a variable without a value becomes empty; `$$` leaves it to the shell",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations that fill in variables", _judged),
    targets=("cluster",),
    reads="postBuild of Flux's Kustomizations beside scripts in ConfigMaps and commands of the "
    "objects below their path. Where its variables are kept elsewhere: those that a script sets.",
)
