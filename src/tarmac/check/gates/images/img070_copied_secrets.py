"""What a .dockerignore is to keep out of an image is called as it is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Files with what only a few may know, by the last part of their path.
_SECRET = re.compile(r"\.env(\.(local|prod|production))?|.*\.(pem|key|p12|pfx|jks)|id_rsa|\.npmrc")
_ALIKE = 0.7


def check(files: Files) -> Iterator[Finding]:
    """Yield lines for secrets that are elsewhere, so that these are copied."""
    for dockerfile, place in _whole(files):
        lines = place.read_text("utf-8", "replace").splitlines()
        patterns = [line.strip() for line in lines]
        for number, pattern in enumerate(patterns, 1):
            if pattern.startswith(("#", "!")) or set("*?[") & {*pattern}:
                continue
            name = posixpath.basename(pattern)
            above = posixpath.dirname(pattern).strip("/")
            root = place.parent
            if not above or not _SECRET.fullmatch(name) or (root / pattern.strip("/")).exists():
                continue
            near = _near(root, above)
            own = f"{near}/{name}"
            is_there = near and (root / own).is_file()
            if is_there and own not in patterns and f"/{own}" not in patterns:
                what = f"keeps {pattern} out of the image, which is not there, and {own} is: the"
                said = f"{what} COPY of {dockerfile.path} takes it into the image; write {own}"
                path = posixpath.join(posixpath.dirname(dockerfile.path), place.name)
                yield Finding(f"{path}:{number}", said)


def _near(root: Path, folder: str) -> str:
    """Find the folder that is almost called so, part by part; "" without one."""
    found = ""
    for part in folder.split("/"):
        here = root / found
        names = [one.name for one in here.iterdir() if one.is_dir()] if here.is_dir() else []
        near = [part] if part in names else get_close_matches(part, names, 1, _ALIKE)
        if not near:
            return ""
        found = posixpath.join(found, near[0])
    return found


@once
def _whole(files: Files) -> Iterator[tuple[Artifact, Path]]:
    """Yield the Dockerfiles that copy all of their folder, and what keeps some of it out."""
    for dockerfile in dockerfiles(files):
        every = instructions(str(dockerfile.content))
        copies = any(_is_whole(one.rest) for one in every if one.word in ("COPY", "ADD"))
        name = posixpath.basename(dockerfile.path)
        for ignore in (f"{name}.dockerignore", ".dockerignore"):
            path = posixpath.join(posixpath.dirname(dockerfile.path), ignore)
            place = on_disk(files, path) if copies else None
            if place is not None and place.is_file():
                yield dockerfile, place
                break


def _is_whole(copied: str) -> bool:
    words = [word for word in copied.split() if not word.startswith("--")]
    return "--from" not in copied and words[:1] in (["."], ["./"])


GATE = Gate(
    id="IMG070",
    title="What a .dockerignore is to keep out of an image is called as it is there",
    phase="containers",
    source="https://docs.docker.com/build/concepts/context/#dockerignore-files: a pattern that "
    "fits no file keeps nothing out, and COPY . takes what is left",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files that keep something out", _whole),
    targets=("compose", "cluster"),
    reads="lines of a .dockerignore on disk that name a file with secrets in a folder, where the "
    "Dockerfile beside it copies its whole folder.",
)
