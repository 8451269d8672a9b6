"""Elixir: a Phoenix endpoint, or a Mix project that keeps running."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name, installed


def _tasks(folder: Folder) -> Mapping[str, str]:
    if "mix.exs" not in folder.files:
        return {}
    return {"install": installed("deps", "mix deps.get")}


def _services(folder: Folder) -> tuple[Service, ...]:
    project = folder.read("mix.exs")
    phoenix = ":phoenix," in project
    if "mix.exs" not in folder.files or not (phoenix or re.search(r"\bmod:\s*\{", project)):
        return ()
    return (
        Service(
            name=folder_name(folder),
            folder=folder.path,
            run="mix phx.server" if phoenix else "mix run --no-halt",
            why="mix.exs: phoenix" if phoenix else "mix.exs",
            ports={"http": 4000} if phoenix else {},
            reads_port=phoenix,
            reloads=phoenix,
            tasks=_tasks(folder),
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Run from source what a container runs as a release."""
    found = _services(folder)
    is_release = bool(argv) and re.search(r"(^|/)bin/(server|[\w-]+)$", argv[0]) is not None
    return found[0].run if found and (is_release or argv[:1] == ("mix",)) else ""


RECOGNISER = Recogniser(id="elixir", rank=50, services=_services, tasks=_tasks, here=_here)
