"""What programs wrote that ran on read-only files (`up --read-only`): kept and read here.

The layers of one copy of a system stand in the temporary folder: none may be inside what it covers.
Nothing here knows how a layer is mounted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tarmac.base.errors import TarmacError
from tarmac.run.local.host import layers
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home, private_folder

if TYPE_CHECKING:  # the supervisor looks here before it has loaded what a plan is made of
    from tarmac.plan.plan import Node

ABOUT = "about.json"
#: What an interpreter keeps beside its files, and goes on without.
IGNORED = frozenset({"__pycache__"})
_WORKDIR = re.compile(r"(?im)^WORKDIR\s+(/\S*)")
#: Where images mostly have a program, where its Dockerfile does not say so.
IMAGE_FOLDER = "/app"


@dataclass
class WrittenFolder:
    """A folder that a program writes to and that a mount can make writable."""

    #: As `writable` names it: by its path here, relative to where the program starts if below.
    path: str
    #: By its path in the image.
    image: str
    files: list[str] = field(default_factory=list)


@dataclass
class ServiceWrites:
    """What the programs of one service wrote besides what they may."""

    service: str
    folders: list[WrittenFolder]
    #: Files in a folder with others, which a mount would hide.
    beside: list[str]
    #: Files in the home folder of the user that it runs as.
    home: list[str]


def prepare(home: Home, file: Path, *, is_running: bool) -> None:
    """Forget what earlier runs wrote. Raises TarmacError: this machine allows no such layers."""
    if why := layers.refusal(file.resolve().parent):
        raise TarmacError(f"--read-only: {why}; `tarmac up` without it runs the system")
    if not is_running:
        forget(home)


def begin(home: Home, node: Node, folder: Path) -> Path:
    """Make the layer of one start of a node's program."""
    place = _place(home) / node.name
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = {
        "service": node.service,
        "folder": os.path.realpath(folder),
        "writable": [os.path.realpath(path) for path in node.launch.writable or ()],
    }
    write_atomically(place / ABOUT, json.dumps(about))
    return Path(tempfile.mkdtemp(dir=place))


def forget(home: Home) -> None:
    """Delete the layers of a system that does not run."""
    place = _place(home)
    if place.exists():
        layers.make_removable(place)
        shutil.rmtree(place)


def read(home: Home) -> tuple[ServiceWrites, ...]:
    """Read what was written, by service; one that wrote nothing is listed, too."""
    found: dict[str, ServiceWrites] = {}
    system = home.root.parent.parent
    for about in sorted(_place(home).glob(f"*/{ABOUT}")):
        told = json.loads(about.read_text())
        writes = found.setdefault(told["service"], ServiceWrites(told["service"], [], [], []))
        entries = {entry for layer in about.parent.iterdir() for entry in _entries(layer)}
        for path, is_folder in sorted(entries):
            if not any(path.is_relative_to(kept) for kept in told["writable"]):
                _add(writes, path, Path(told["folder"]), system, is_folder=is_folder)
    return tuple(found.values())


def _add(writes: ServiceWrites, path: Path, start: Path, system: Path, *, is_folder: bool) -> None:
    shown = f"{_shown(path, start)}{'/' if is_folder else ''}"
    if path.is_relative_to(Path.home()) and not path.is_relative_to(system):
        writes.home += [shown] if shown not in writes.home else []
        return
    folder = _own_folder(path, is_folder=is_folder)
    if folder is None or folder == start or folder in start.parents:
        writes.beside += [shown] if shown not in writes.beside else []
        return
    name = _shown(folder, start)
    for known in writes.folders:
        if known.path == name:
            known.files += [shown] if shown not in known.files else []
            return
    inside = str(folder) if Path(name).is_absolute() else f"{_image_folder(start)}/{name}"
    writes.folders.append(WrittenFolder(name, inside, [shown]))


def _own_folder(path: Path, *, is_folder: bool) -> Path | None:
    """Find the folder to mount for what was written: a new one, or one without other files."""
    folders = [path, *path.parents] if is_folder else [*path.parents]
    if made := [folder for folder in folders if not os.path.lexists(folder)]:
        return made[-1]
    try:
        others = [entry for entry in folders[0].iterdir() if not entry.name.startswith(".")]
    except OSError:
        return None
    return None if others else folders[0]


def _entries(layer: Path) -> Iterator[tuple[Path, bool]]:
    """List the files that were written, changed or deleted, and the folders that are empty.

    The flag is for a folder.
    """
    for upper in layer.glob("*/upper"):
        target = Path(unquote(upper.parent.name))
        for folder, folders, files in os.walk(upper):
            at = target / Path(folder).relative_to(upper)
            if IGNORED & {*at.parts}:
                continue
            yield from ((at / name, False) for name in files)
            if not files and not folders and at != target:
                yield at, True


def _shown(path: Path, start: Path) -> str:
    return str(path.relative_to(start) if path.is_relative_to(start) else path)


def _image_folder(start: Path) -> str:
    """Find where the image has the program's folder: the last WORKDIR of its Dockerfile."""
    try:
        found = _WORKDIR.findall((start / "Dockerfile").read_text(errors="replace"))
    except OSError:
        found = []
    return found[-1].rstrip("/") if found else IMAGE_FOLDER


def _place(home: Home) -> Path:
    digest = hashlib.sha256(str(home.root).encode()).hexdigest()[:16]
    return private_folder(Path("/tmp"), "tarmac-layers") / digest  # noqa: S108 - its owner is checked
