"""A Dockerfile alone: what its container runs, if that can be run here as well."""

from __future__ import annotations

from dataclasses import replace

from tarmac.adopt.containers.build_steps import made_from
from tarmac.adopt.containers.container import read_dockerfile
from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name

_NAMES = ("Dockerfile", "dockerfile", "Containerfile")


def _services(folder: Folder) -> tuple[Service, ...]:
    name = folder.has(*_NAMES)
    if not name:
        return ()
    text = folder.read(name)
    found = read_dockerfile(text, folder_name(folder), folder.path)
    found = replace(found, container_command=made_from(text, found.container_command, folder.path))
    return (found,) if found.container_command or found.ports else ()


RECOGNISER = Recogniser(id="dockerfile", rank=90, services=_services)
