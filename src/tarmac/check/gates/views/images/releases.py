"""Dockerfiles that a tool for releases builds, in a folder with nothing but its programs."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk

#: Names under which GoReleaser looks for its own settings.
_NAMES = tuple(f"{dot}goreleaser.{end}" for dot in (".", "") for end in ("yaml", "yml"))
_OWN = re.compile(r"^dockers(?:_v2)?:", re.MULTILINE)
_NAMED = re.compile(r"^[ \t]*(?:- )?dockerfile:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_MOST_BYTES = 200_000


def is_of_release(files: Files, path: str) -> bool:
    """Tell whether GoReleaser builds a Dockerfile, out of a folder of its own.

    It copies the Dockerfile and the programs there; no .dockerignore is beside them.
    """
    own = PurePosixPath(path)
    for folder in own.parents:
        for name in _NAMES:
            text = _text(files, str(folder / name))
            if _OWN.search(text):
                named = _NAMED.findall(text) or ["Dockerfile"]
                if any(folder / one == own for one in named):
                    return True
    return False


def _text(files: Files, path: str) -> str:
    place = on_disk(files, path)
    if place is None or not place.is_file() or place.stat().st_size > _MOST_BYTES:
        return ""
    return place.read_text(encoding="utf-8", errors="replace")
