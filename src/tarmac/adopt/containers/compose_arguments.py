"""Finds which program of a repository a container is by an argument of its build.

`compose_containers` asks. One Dockerfile for work on all programs starts one of them, whatever
argument it is given: the folder of the program has the argument's value as its name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.adopt.containers.compose_parts import listed
from tarmac.adopt.survey.found import Folder


def arguments_of(build: Any) -> dict[str, str]:
    """Return the arguments that a build is given and that have a value."""
    said = build.get("args") if isinstance(build, dict) else None
    pairs = (
        said.items()
        if isinstance(said, dict)
        else [one.partition("=")[::2] for one in listed(said)]
    )
    return {str(name): str(value) for name, value in pairs if value}


def named_package(spec: Mapping[str, Any], dockerfile: str, folder: Folder) -> tuple[str, ...]:
    """Write the command of the main package of Go that an unused argument names; () for none."""
    if "go.mod" not in folder.files:
        return ()
    mains = [posixpath.dirname(f) for f in folder.sources("/main.go")]
    for name, value in arguments_of(spec.get("build")).items():
        is_used = re.search(rf"\$\{{?{re.escape(name)}\b", dockerfile)
        fitting = [main for main in mains if value in (main, posixpath.basename(main))]
        if len(fitting) == 1 and len(mains) > 1 and not is_used:
            return ("go", "run", f"./{fitting[0]}")
    return ()
