"""Makes a new service: its files, its entries in the system's file, its line in CODEOWNERS.

All is made and checked in memory first: what is wrong is said before anything is written. Files are
written where nothing is; of the two that are there already, only lines are added.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import posixpath
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac.base import tools, writing
from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.base.tools import Tool
from tarmac.change.create import code_owners, template
from tarmac.change.create.choices import Choices, values
from tarmac.change.create.placeholders import Values
from tarmac.change.create.template import Template
from tarmac.model.addition import added
from tarmac.model.system import System
from tarmac.project.reading import load
from tarmac.run.local.supervisor import checkup

RECORD = ".tarmac-template.yaml"
SERVICES = "services"


@dataclass(frozen=True)
class NewService:
    """A service that is made, and not written yet."""

    name: str
    template: Template
    values: Values
    #: Its folder, and its files by their paths there.
    folder: Path
    files: Mapping[str, str]
    #: The system's file, and its text with the new entries.
    model: Path
    text: str
    #: The file of code owners and its text; None where no line is added.
    owners: tuple[Path, str] | None = None


def make(
    file: Path,
    chosen: Choices,
    used: Template,
    source: str,
    pending: Mapping[str, str] | None = None,
) -> NewService:
    """Make a service of a system.

    Args:
        file: the system's.
        source: what names the template, as it is kept for a later update.
        pending: texts of files that are not written yet, by their paths.

    Raises:
        BadInput: what is wrong with the choices, the template, the system's file or its folder, or
            a program that the language needs and this machine lacks.
    """
    read = _reader(pending or {})
    system = load(str(file), read, root=None)
    place = _folder(system, chosen.name)
    given = {**values(chosen, system, used.data), "folder": place}
    folder = Path(os.path.normpath(file.parent / place))
    _refuse_folder(folder)
    _refuse_machine(used)
    texts = template.files(used, given)
    texts[RECORD] = record(source, used.data.version, given, texts)
    text = read(str(file)).decode()
    for name, entries in template.entry(used, given):
        text = added(text, str(file), entries, name)
    new = {str(folder / path): content for path, content in texts.items()}
    load(str(file), _reader({**(pending or {}), **new, str(file): text}), root=None)
    owners = code_owners.line(
        folder, str(given["owner"]), rendered=system.file.delivery is not None
    )
    return NewService(chosen.name, used, given, folder, texts, file, text, owners)


def write(new: NewService) -> None:
    """Write a service: its files where nothing is, then the system's file.

    Raises:
        BadInput: a file has come into its folder since it was made; what was written is removed.
        OSError: the disk refuses.
    """
    with writing.made(new.folder) as root, contextlib.ExitStack() as undo:
        for path, text in new.files.items():
            if not writing.write_new(root, path, text):
                what = "already exists; nothing is written over it"
                raise BadInput([Problem(str(new.folder / path), what)])
            undo.callback(writing.remove, root, path)
        undo.pop_all()
    writing.write_file(new.model, new.text)
    if new.owners is not None:
        writing.write_file(*new.owners)


def record(source: str, version: int, given: Values, texts: Mapping[str, str]) -> str:
    """Write which template a service was made of, for a later update."""
    kept = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    lines = [
        "# Written by `tarmac new`: what a later version of the template is compared with.",
        f"template: {json.dumps(source)}",
        f"version: {version}",
        "values:",
        *(f"  {name}: {json.dumps(value)}" for name, value in given.items()),
        "files:",
        *(f"  {json.dumps(name)}: {digest}" for name, digest in sorted(kept.items())),
    ]
    return "\n".join(lines) + "\n"


def _folder(system: System, name: str) -> str:
    """Choose the folder beside those of the system's other services."""
    folders = [
        posixpath.dirname(posixpath.normpath(folder))
        for spec in system.file.services.values()
        for folder in (*spec.source, *((spec.cwd,) if spec.cwd else ()))
    ]
    usual = Counter(folder for folder in folders if folder).most_common(1)
    return f"{usual[0][0] if usual else SERVICES}/{name}"


def _refuse_folder(folder: Path) -> None:
    writing.refuse_links(folder)
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        what = "is there already; choose another name, or move it away"
        raise BadInput([Problem(str(folder), what)])


def _refuse_machine(used: Template) -> None:
    """Refuse a language whose programs are missing or too old here."""
    problems = []
    for name, floor in used.data.needs.items():
        tool = replace(tools.find(name) or Tool(name, floor, ""), floor=floor)
        found = checkup.check(tool)
        # A program that is there and takes long to tell its version is not refused.
        if found.state in {checkup.ABSENT, checkup.TOO_OLD}:
            state = f"{found.found} is too old" if found.found else "is not on this machine"
            what = f"{state}; {used.name} needs {floor} or newer: {tool.advice or 'install it'}"
            problems.append(Problem(name, what))
    if problems:
        raise BadInput(problems)


def _reader(pending: Mapping[str, str]) -> Callable[[str], bytes]:
    """Read files as they will be."""
    known = {os.path.normpath(path): text for path, text in pending.items()}

    def read(path: str) -> bytes:
        text = known.get(os.path.normpath(path))
        return files.content(path) if text is None else text.encode()

    return read
