"""Dockerfiles that a tool for releases builds, in a folder with nothing but its programs."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import text_on_disk

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
            text = text_on_disk(files, str(folder / name), _MOST_BYTES) or ""
            if _OWN.search(text):
                named = _NAMED.findall(text) or ["Dockerfile"]
                if any(folder / one == own for one in named):
                    return True
    return False
