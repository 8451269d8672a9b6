"""Kustomizations: what they name, and what their patches set."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import from_yaml
from tarmac.base.foreign.reading import dig, fields, items, numbered, string, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of
from tarmac.check.gates.views.once import once

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
#: Its group, which a file need not name; Flux has a kind of the same name.
GROUP = "kustomize.config.k8s.io"

#: Addresses, as kustomize takes them; a host of a repository needs no scheme.
REMOTE = re.compile(
    r".*://|git@|git::|.*\?(ref|version|timeout|submodules)=|(github|gitlab|bitbucket)\.\w+[/:]"
)


@dataclass(frozen=True)
class Patch:
    """What a patch of a Kustomization sets at one place, of which objects, and where it says so."""

    kind: str
    #: Empty where it is of all of that kind.
    name: str
    value: Any
    where: str


class Kustomization:
    """A Kustomization."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def namespace(self) -> str | None:
        """The namespace into which it puts what it makes."""
        return text(self.artifact.data, "namespace")

    @property
    def resources(self) -> tuple[str, ...]:
        """The files and folders that it consists of."""
        return items(self.artifact.data, "resources")


def is_kustomization(artifact: Artifact) -> bool:
    """Tell whether a document is what kustomize builds by, and not Flux's object of that name."""
    kind = artifact.data.get("kind")
    return kind in ("Kustomization", "Component") and group_of(artifact) in ("", GROUP)


def has_plain_name(artifact: Artifact, made: Any) -> bool:
    """Tell whether what a generator of a kustomization makes has no hash in its name."""
    every = fields(artifact.data, "generatorOptions")
    return {**every, **fields(made, "options")}.get("disableNameSuffixHash") is True


def kustomization_files(files: Files) -> Iterator[Artifact]:
    """Yield the files that kustomize builds by."""
    for artifact in files.artifacts:
        if artifact.path.rpartition("/")[2] in NAMES and artifact.data and not artifact.built_by:
            yield artifact


def is_renamed(files: Files, image: str) -> bool:
    """Tell whether a kustomization gives another name to an image: what it is then is not known."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return (head if colon and "/" not in tag else name) in _renamed(files)


@once
def _renamed(files: Files) -> Iterator[str]:
    """Yield the images that kustomizations replace by others."""
    for artifact in kustomization_files(files):
        for _, image in numbered(artifact.data, "images"):
            if image.get("newName"):
                yield string(image, "name")


def patch_files(artifact: Artifact) -> Iterator[str]:
    """Yield the files that a Kustomization takes for patches, from the root of all files."""
    folder = PurePosixPath(artifact.path).parent
    named = [text(patch, "path") for patch in items(artifact.data, "patches")]
    named += items(artifact.data, "patchesStrategicMerge")
    for path in named:
        if isinstance(path, str):
            yield posixpath.normpath(str(folder / path))


def patches(artifact: Artifact, *path: str) -> Iterator[Patch]:
    """Yield what the patches of a Kustomization set at a path; None where they do not."""
    for number, patch in enumerate(items(artifact.data, "patches")):
        written = str(dig(patch, "patch") or "")
        try:
            read = next(iter(from_yaml(written)), None)
        except yaml.YAMLError:
            continue
        where = artifact.at("patches", number, "patch")
        target, key = dig(patch, "target"), re.search(rf"^[ \t]*{path[-1]}:", written, re.MULTILINE)
        file, _, begun = where.rpartition(":")
        if file and key:  # a block's text begins below its key
            where = f"{file}:{int(begun) + written.count(chr(10), 0, key.end()) + 1}"
        kind = dig(target, "kind") if target else dig(read, "kind")
        name = dig(target, "name") if target else dig(read, "metadata", "name")
        yield Patch(str(kind or ""), str(name or ""), dig(read, *path), where)
