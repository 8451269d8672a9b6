"""What a kustomization is built of is there once, below it, and at the places that patches name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import (
    REMOTE,
    Kustomization,
    kustomization_files,
)
from tarmac.check.gates.views.overlays.kustomized import as_written, written
from tarmac.check.gates.views.overlays.kustomized_parts import parts_of
from tarmac.check.gates.views.scope import counted_in_files

#: A pointer into a mapping of texts, whose keys often have a slash, and what follows the key.
_POINTER = re.compile(
    r"(?m)^[ \t-]*[\"']?path[\"']?:[ \t]*[\"']?"
    r"(/(?:[\w-]+/)*(?:annotations|labels|matchLabels|nodeSelector)/([^/\s\"']*\.[^/\s\"']*)/"
    r"([\w.-]+))[\"',\s]"
)
_APPENDED = re.compile(
    r"(?m)^[ \t-]*[\"']?path[\"']?:[ \t]*[\"']?"
    r"(/(?:[\w-]+/)*(?:annotations|labels|matchLabels|nodeSelector)/-)[\"',\s]"
)
#: What reads files from anywhere in a repository: options of kustomize, and Flux.
_UNRESTRICTED = ("load-restrictor", "LoadRestrictionsNone", "kustomize.toolkit.fluxcd.io/")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def check(files: Files) -> Iterator[Finding]:
    """Yield pointers without an escape, files from above, and objects that are there twice."""
    own, by_path = as_written(files)
    is_open = any(_is_open(files))
    for folder, artifact in own.items():
        yield from _pointers(files, folder, artifact)
        for path, name in _above(folder, artifact, own) if not is_open else ():
            what = f"takes {name}, which is not below its folder: kustomize refuses to read it"
            advice = "move it there, or name a kustomization"
            yield Finding(artifact.at(*path), f"{what}; {advice}", warning=True)
        yield from _twice(files, folder, artifact, own, by_path)


def _pointers(files: Files, folder: str, artifact: Artifact) -> Iterator[Finding]:
    for key in ("patches", "patchesJson6902"):
        for number, patch in numbered(written(files, artifact), key):
            text = string(patch, "patch") or _text(files, folder, string(patch, "path"))
            if appended := _APPENDED.search(f"{text}\n"):
                what = f"patches {appended[1]}, where - is the end of a list, and there is a"
                advice = "mapping: it gets a key of that name; write the key"
                yield Finding(artifact.at(key, number), f"{what} {advice}")
            for found in _POINTER.finditer(f"{text}\n"):
                what = f"patches {found[1]}, a pointer in which / begins a level, so there is no"
                advice = f"such key; write {found[2]}~1{found[3]}"
                yield Finding(artifact.at(key, number), f"{what} {advice}")


def _text(files: Files, folder: str, name: str) -> str:
    """Read a file of operations below the judged folder."""
    path = posixpath.normpath(posixpath.join(folder, name)) if name else ""
    return (text_on_disk(files, path) or "") if path and path[:2] != ".." else ""


def _above(
    folder: str, artifact: Artifact, own: Mapping[str, Artifact]
) -> Iterator[tuple[Path, str]]:
    """Yield files that a kustomization names outside of its folder."""
    named: list[tuple[Path, str]] = []
    for key in _GENERATORS:
        for number, made in numbered(artifact.data, key):
            for kind in ("files", "envs"):
                listed = (one.rpartition("=")[2] for one in texts(made.get(kind)))
                named += [((key, number, kind), one) for one in listed]
    for number, part in enumerate(map(str, Kustomization(artifact).resources)):
        place = posixpath.normpath(posixpath.join(folder, part))
        if part.endswith((".yaml", ".yml")) and place not in own:
            named.append((("resources", number), part))
    for path, name in named:
        if name.startswith("../") and not REMOTE.match(name):
            yield path, name


@once
def _is_open(files: Files) -> Iterator[bool]:
    """Yield once for each text here by which kustomize reads files from anywhere, as Flux does."""
    for one in files.artifacts:
        text = one.content if isinstance(one.content, str) else str(one.data)
        if any(mark in text for mark in _UNRESTRICTED):
            yield True


def _twice(
    files: Files,
    folder: str,
    artifact: Artifact,
    own: Mapping[str, Artifact],
    by_path: dict[str, list[Mapping[str, Any]]],
) -> Iterator[Finding]:
    """Yield objects that two parts of one kustomization bring."""
    if artifact.data.get("kind") == "Component":
        return
    first: dict[tuple[str, ...], str] = {}
    for part in parts_of(files, folder, own, by_path):
        one = part.data
        name = string(fields(one, "metadata"), "name")
        key = (str(one.get("apiVersion")), str(one.get("kind")), name, part.namespace)
        other = first.setdefault(key, part.path)
        if other != part.path and all(key[:3]):
            what = f"includes {key[1]} {name} of {other} and of {part.path}: kustomize refuses a"
            yield Finding(artifact.at("resources"), f"{what} second one; leave out one of them")


GATE = Gate(
    id="OBJ045",
    title="What a kustomization is built of can be built",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization: files are below "
    "its root, an object is there once; https://www.rfc-editor.org/rfc/rfc6901: / in a key is ~1",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Kustomizations", kustomization_files),
    targets=(),
    reads="JSON pointers of patches, files of generators and resources, and the objects that "
    "resources and components bring, as they are written. Judges files without a plan only.",
)
