"""Folders that an image has beside its program, and those beside it that it has not.

`compose_containers` asks. The first become links, made by a task before the program starts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.adopt.containers.compose_places import joined_path, places_of
from tarmac.adopt.survey.found import Folder


def linked_folders(
    spec: Mapping[str, Any], dockerfile: str, folder: str, root: Folder
) -> dict[str, str]:
    """Write the task that has a folder beside the program, where its image copies one from above.

    `COPY shared/ /app/shared/` of an image that has the program itself in /app.
    """
    places = places_of(spec, dockerfile)
    inside = next((there for source, there in places if source == folder), "")
    wanted = []
    for source, there in places:
        name = posixpath.relpath(there, inside) if inside else "."
        is_ours = source == folder or source.startswith(f"{folder}/") or not folder
        is_there = root.exists(joined_path(folder, name)) or not root.exists(source)
        is_folder = bool(root.below(source).files)
        if re.fullmatch(r"\w[\w-]*", name) and is_folder and not is_ours and not is_there:
            wanted.append(f"test -e {name} || ln -s {posixpath.relpath(source, folder)} {name}")
    line = " && ".join(f"({one})" for one in wanted) if wanted[1:] else "".join(wanted)
    return {"links": line} if line else {}


#: Folders that a program has for its image alone.
_OF_IMAGES = frozenset({"docker", ".docker", "build", "container", "deploy", "image"})


def files_of_one(spec: Mapping[str, Any], folder: Folder) -> tuple[str, ...]:
    """Leave out the programs beside one whose Dockerfile is in a folder of its own: apps/one/.

    That folder may have it in one for its image alone: apps/one/docker/.
    """
    build = spec.get("build")
    file = str(build.get("dockerfile") or "") if isinstance(build, dict) else ""
    own = posixpath.dirname(posixpath.normpath(file)) if file else ""
    own = posixpath.dirname(own) if posixpath.basename(own) in _OF_IMAGES else own
    shelf = posixpath.dirname(own)
    if not shelf:
        return ()
    return tuple(
        f for f in folder.files if f.startswith(f"{own}/") or not f.startswith(f"{shelf}/")
    )
