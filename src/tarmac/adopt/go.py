"""Go: a module's main packages, its own folder or those below cmd/."""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt._found import Folder, Recogniser, Service, folder_name, valid_name

_MAIN = re.compile(r"^package main\b", re.MULTILINE)


def _services(folder: Folder) -> tuple[Service, ...]:
    if "go.mod" not in folder.files:
        return ()
    mains = sorted(
        {posixpath.dirname(f) for f in folder.sources(".go") if _MAIN.search(folder.read(f))}
    )
    if "" in mains:
        mains = [""]
    found = []
    for main in mains:
        module = re.search(r"(?m)^module\s+(\S+)", folder.read("go.mod"))
        own = folder_name(folder, posixpath.basename(module[1]) if module else "app")
        name = own if len(mains) == 1 else valid_name(posixpath.basename(main))
        found.append(
            Service(
                name=name,
                folder=folder.path,
                run=f"go run ./{main}" if main else "go run .",
                why=f"go.mod, {main or 'its'} package main",
            )
        )
    return tuple(found)


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Run from source what a container runs as a binary, where there is no doubt which it is."""
    found = _services(folder)
    if not found or not argv:
        return ""
    wanted = valid_name(posixpath.basename(argv[0]))
    chosen = found[0] if len(found) == 1 else next((s for s in found if s.name == wanted), None)
    if chosen is None:
        return ""
    return " ".join((chosen.run, *argv[1:])) if argv[0] != "go" else " ".join(argv)


RECOGNISER = Recogniser(id="go", rank=50, services=_services, here=_here)
