"""Makes a new system: a page, a service that publishes, one that consumes, a store and a broker."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem
from tarmac.base.places import SYSTEM_FILE
from tarmac.change.create import service, sources
from tarmac.change.create.choices import PLAIN, Choices, check_name
from tarmac.change.create.placeholders import filled
from tarmac.render.assets import asset, assets

FILES = "templates/system"
#: The address of page and API, and the ports of the page and the services.
ENTRY, PORT = 8080, 7000
OWNER = "@example/team"


@dataclass(frozen=True)
class NewSystem:
    """A system that is made, and not written yet: its folder, and its files by their paths."""

    name: str
    folder: Path
    files: Mapping[str, str]


def make(folder: Path, language: str, store: str, broker: str, owner: str) -> NewSystem:
    """Make a system in a folder that is not there, or empty; it has the folder's name.

    Raises:
        BadInput: what is wrong with the name, the folder, the choices, or a program that the
            language needs and this machine lacks.
    """
    name = folder.name
    if problems := check_place(folder, owner):
        raise BadInput(problems)
    values = {"name": name, "owner": owner or OWNER, "port": str(PORT), "entry": str(ENTRY)}
    texts = {}
    for path in assets(FILES):
        below = path.removeprefix(f"{FILES}/").removesuffix(".njk")
        texts[below] = filled(asset(path), values, path)
    source = f"{language}-http"
    used = sources.own(source)
    first = Choices("items", (store,), "publishes", broker)
    for chosen in (first, replace(first, name="copies", stores=(), events="consumes")):
        pending = {str(folder / path): text for path, text in texts.items()}
        new = service.make(folder / SYSTEM_FILE, chosen, used, source, pending)
        below = new.folder.relative_to(folder).as_posix()
        texts.update({f"{below}/{path}": text for path, text in new.files.items()})
        texts[SYSTEM_FILE] = _public(new.text, chosen.name)
    return NewSystem(name, folder, texts)


def check_place(folder: Path, owner: str) -> list[Problem]:
    """Say what is wrong with the folder of a new system, whose name it has, and with its team."""
    problems = check_name(folder.name)
    if owner and not PLAIN.fullmatch(owner):
        problems.append(Problem("--owner", f"'{owner[:80]}' is not a team; write @acme/shop"))
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        problems.append(Problem(str(folder), "is there already; choose another name"))
    return problems


def write(new: NewSystem) -> None:
    """Write a system where nothing is; the system's file comes last. Raises BadInput, OSError."""
    with writing.made(new.folder) as root, contextlib.ExitStack() as undo:
        for path in sorted(new.files, key=lambda path: (path == SYSTEM_FILE, path)):
            if not writing.write_new(root, path, new.files[path]):
                what = "already exists; nothing is written over it"
                raise BadInput([Problem(str(new.folder / path), what)])
            undo.callback(writing.remove, root, path)
        undo.pop_all()


def _public(text: str, name: str) -> str:
    """Give the service that the page asks its path at the one address."""
    if name != "items":
        return text
    head, mark, rest = text.partition(f"\n  {name}:\n")
    before, port, after = rest.partition("    port: ")
    number, _, end = after.partition("\n")
    return f"{head}{mark}{before}{port}{number}\n    public: {{paths: [/items]}}\n{end}"
