"""Makes a node's folder ready for a start: its trees (copied from a cache) and its files."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.base.launch import Command, FileTree, Launch, reveal
from tarmac.base.places import cache_folder
from tarmac.run.local.host import privileges
from tarmac.run.local.host.guard import UNPRIVILEGED_UID
from tarmac.run.local.host.privileges import Drop
from tarmac.run.local.process import commands
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home, outside_folder

#: In a node's folder until its next start: its data has the passwords of another copy.
LOADED = ".loaded"


def folder_of(home: Home, name: str, launch: Launch) -> Path:
    """Name a node's folder; a server of an unprivileged user cannot enter a private project."""
    return (nodes_outside(home) if drop_for(launch) == "setuid" else home.nodes) / name


def nodes_outside(home: Home) -> Path:
    """Name where the nodes of a namespace stand that cannot be inside the project."""
    digest = hashlib.sha256(str(home.root).encode()).hexdigest()[:12]
    return outside_folder("nodes", mode=0o711) / digest


def drop_for(launch: Launch) -> Drop | None:
    """Tell how this program is to give up root."""
    return privileges.drop() if launch.refuses_root else None


async def prepare(
    folder: Path, launch: Launch, secrets: Mapping[str, str], spawner: Spawner
) -> None:
    """Write everything that the node needs; repeatable.

    Raises:
        TarmacError: a command that makes a tree failed, with its output.
        OSError: the disk is full, or a folder may not be written.
    """
    drop = drop_for(launch)
    _own_folder(folder, drop)
    for wanted in launch.folders:
        made = Path(wanted.replace("{folder}", str(folder)))
        made.mkdir(parents=True, exist_ok=True)
        if drop == "setuid" and made.is_relative_to(folder):
            os.chown(made, UNPRIVILEGED_UID, UNPRIVILEGED_UID, follow_symlinks=False)
    for tree in launch.trees:
        if not (folder / tree.path).exists():
            await _grow(folder / tree.path, tree, secrets, drop, spawner)
    for name in launch.pid_files:
        _remove_stale(folder / name, folder)
    if (folder / LOADED).exists():
        for tree in launch.trees:
            if tree.readopt is not None:
                await _run(tree.readopt, folder / tree.path, secrets, drop, spawner)
        (folder / LOADED).unlink()
    for file in launch.files:
        path = folder / file.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = reveal(file.content, secrets).replace("{folder}", str(folder))
        if not path.exists() or path.read_text() != content:
            write_atomically(path, content, file.mode)
        if drop == "setuid":
            os.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID, follow_symlinks=False)


def _remove_stale(pid_file: Path, folder: Path) -> None:
    """Remove a pid file whose process is gone, or is one that has nothing to do with the folder."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline")
        if not Path("/proc/self").exists() or (
            command.exists() and str(folder) in command.read_text(errors="replace")
        ):
            return  # it may be the server: let the program itself decide
        pid_file.unlink()


def _own_folder(folder: Path, drop: Drop | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if drop == "setuid":
        folder.parent.chmod(0o711)
        os.chown(folder, UNPRIVILEGED_UID, UNPRIVILEGED_UID)


async def _grow(
    target: Path, tree: FileTree, secrets: Mapping[str, str], drop: Drop | None, spawner: Spawner
) -> None:
    """Copy the cached tree beside the target, adopt it, then rename: never half a tree."""
    source = await _cached(tree, drop, spawner)
    partial = target.with_name(f".{target.name}.partial")
    await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
    await asyncio.to_thread(_copy, source, partial, drop)
    if tree.adopt is not None:
        await _run(tree.adopt, partial, secrets, drop, spawner)
    partial.replace(target)


async def _cached(tree: FileTree, drop: Drop | None, spawner: Spawner) -> Path:
    if drop == "setuid":
        base = outside_folder("trees", mode=0o711) / "unprivileged"
        base.mkdir(mode=0o700, exist_ok=True)
        os.chown(base, UNPRIVILEGED_UID, UNPRIVILEGED_UID)
    else:
        base = cache_folder() / "trees"
        _make(base)
    digest = hashlib.sha256(repr(tree.make.argv).encode()).hexdigest()[:12]
    cached = base / f"{tree.cache_key}-{digest}"
    if not cached.exists():
        # Beside a folder of another user, never in it: a link there could point anywhere.
        with (base.parent / f".{cached.name}.lock").open("a") as lock:
            # Four new databases want the same template at once: one makes it, three wait.
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if not cached.exists():
                partial = base / f".{cached.name}.partial"
                await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
                await _run(tree.make, partial, {}, drop, spawner)
                partial.rename(cached)
    return cached


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return
        why = os.strerror(errno.EACCES)
    except OSError as error:
        why = error.strerror or ""
    raise TarmacError(
        f"{folder}: cannot be written ({why}); set HOME or XDG_CACHE_HOME to a directory that "
        "you can write"
    )


def _copy(source: Path, target: Path, drop: Drop | None) -> None:
    shutil.copytree(source, target, symlinks=True)
    if drop == "setuid":
        for path in (target, *target.rglob("*")):
            os.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID, follow_symlinks=False)


async def _run(
    command: Command, tree: Path, secrets: Mapping[str, str], drop: Drop | None, spawner: Spawner
) -> None:
    argv = [part.replace("{tree}", str(tree)) for part in command.argv]
    status, output = await commands.run(
        spawner,
        argv,
        env=os.environ,
        cwd=tree.parent,
        stdin=reveal(command.stdin, secrets).encode(),
        drop=drop,
    )
    # PostgreSQL's single-user mode ends with 0 after a statement that failed.
    if status != 0 or b"ERROR:" in output:
        shown = output.decode("utf-8", "replace").strip()[-2000:]
        raise TarmacError(f"{argv[0]}: ended with {status}\n{shown}")
