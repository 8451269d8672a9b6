"""Images that Skaffold builds are run by what it applies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, numbered, places, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Where a configuration applies more than plain files.
_MORE = re.compile(r"^(helm|kustomize|kpt|hooks)$")
_NAME = re.compile(r"([^@]+?)(:[\w.-]+)?(@.*)?")


def check(files: Files) -> Iterator[Finding]:
    """Yield images that are built, and that no object has."""
    for artifact in _configurations(files):
        patterns = [*texts(dig(artifact.data, "manifests", "rawYaml"))]
        patterns += texts(dig(artifact.data, "deploy", "kubectl", "manifests"))
        if not patterns or _applies_more(artifact):
            continue
        above = posixpath.dirname(artifact.path)
        whole = [posixpath.normpath(posixpath.join(above, one)) for one in patterns]
        own = [one for one in files.artifacts if any(fnmatchcase(one.path, p) for p in whole)]
        used = {_plain(text) for one in own for path, text in places(one.data) if _is_image(path)}
        needed = {str(dig(one, "image")) for one in _requires(artifact)}
        for number, build in numbered(artifact.data, "build", "artifacts"):
            image = str(dig(build, "image") or "")
            if own and image and "{{" not in image and image not in used | needed:
                what = f"Skaffold builds the image {image}, and no object in {', '.join(patterns)}"
                said = f"{what} has it, so what runs is another one; write image: {image} there"
                where = artifact.at("build", "artifacts", number)
                yield Finding(where, said, warning=True)


def _is_image(path: Path) -> bool:
    """Tell whether a text may be an image by its key: `image`, `containerImage`."""
    return bool(path) and "image" in str(path[-1]).lower()


def _plain(text: str) -> str:
    found = _NAME.fullmatch(text)
    return found[1] if found else text


def _requires(artifact: Artifact) -> Iterator[object]:
    for _, build in numbered(artifact.data, "build", "artifacts"):
        yield from (one for _, one in numbered(build, "requires"))


def _applies_more(artifact: Artifact) -> bool:
    data = artifact.data
    keys = {*(dig(data, "deploy") or {}), *(dig(data, "manifests") or {})}
    is_more = any(_MORE.match(str(key)) for key in keys)
    return is_more or "profiles" in data or "requires" in data


@once
def _configurations(files: Files) -> Iterator[Artifact]:
    for artifact in files.artifacts:
        name = posixpath.basename(artifact.path)
        version = str(dig(artifact.data, "apiVersion") or "")
        if name.startswith("skaffold") and version.startswith("skaffold/"):
            yield artifact


GATE = Gate(
    id="PIP047",
    title="Images that Skaffold builds are run by what it applies",
    phase="delivery",
    source="https://skaffold.dev/docs/builders/: the name of an artifact is replaced in manifests "
    "that have it, and others are left as they are",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of Skaffold", _configurations),
    targets=(),
    reads="build.artifacts beside the plain files that skaffold.yaml names. Where it applies a "
    "chart or a kustomization, too, or has profiles, nothing is told.",
)
