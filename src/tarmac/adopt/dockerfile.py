"""A Dockerfile alone: what its container runs, if that can be run here as well."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tarmac.adopt.containers.build_steps import made_from
from tarmac.adopt.containers.container import made_folders, of_target, read_dockerfile
from tarmac.adopt.survey.found import (
    Folder,
    Recogniser,
    Service,
    folder_name,
    has_program_file,
)

_NAMES = ("Dockerfile", "dockerfile", "Containerfile")


def _services(folder: Folder) -> tuple[Service, ...]:
    name = folder.has(*_NAMES)
    if not name:
        return ()
    text = folder.read(name)
    place = _built_from(text, folder)
    found = read_dockerfile(of_target(text, ""), folder_name(folder), place)
    found = replace(
        found,
        container_command=made_from(text, found.container_command, place),
        tasks=made_folders(text, folder) if place == folder.path else {},
    )
    if place == folder.path and _is_its_own_package(text, found.container_command, folder):
        found = replace(found, env={**found.env, "PYTHONPATH": ".."}, tasks={})
    return (found,) if found.container_command or found.ports else ()


def _is_its_own_package(text: str, command: tuple[str, ...], folder: Folder) -> bool:
    """Tell whether an image has a folder as a package of its name: `COPY app.py /app/posts/app.py`.

    Its command then starts a module of that: `uvicorn posts.app:app`.
    """
    name = posixpath.basename(folder.path)
    modules = [word.split(":")[0].split(".") for word in command[1:] if word.startswith(f"{name}.")]
    target = rf"(?im)^COPY\s+(?!--from)(?:--\S+\s+)*\S+\s+\S*\b{re.escape(name)}(?:/\S*)?[ \t]*$"
    here = any(f"{'/'.join(parts[1:])}.py" in folder.files for parts in modules if parts[1:])
    return bool(name) and here and not folder.exists(name) and bool(re.search(target, text))


def _built_from(text: str, folder: Folder) -> str:
    """Find the folder that an image is built from: the one above that has what it copies."""
    copies = re.findall(r"(?im)^COPY\s+(?!--from)(?:--\S+\s+)*(\S+)\s+\S+[ \t]*$", text)
    sources = [path for path in copies if not re.search(r"[*$\[]|^\.?/?$", path)]
    if not sources or has_program_file(folder) or any(map(folder.exists, sources)):
        return folder.path
    steps = range(1, folder.path.count("/") + 2) if folder.path else ()
    above = ("../" * step for step in steps)
    found = next((up for up in above if all(folder.exists(f"{up}{p}") for p in sources)), "")
    place = posixpath.normpath(posixpath.join(folder.path, found))
    return "" if place == "." else place


RECOGNISER = Recogniser(id="dockerfile", rank=90, services=_services)
