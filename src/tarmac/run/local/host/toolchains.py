"""Chooses the version of a language that a service's own files ask for, of those installed here.

Called as facts are gathered, and by `doctor` and `init`. Programs are asked for their version only
where a file asks for one; nothing is installed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import posixpath
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tarmac.base import registry, toolchains
from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.base.installed import find_paths, find_program
from tarmac.base.toolchains.ranges import Version, fits
from tarmac.base.toolchains.toolchain import Toolchain, Wish, named_in, uses, wish
from tarmac.base.tools import version_in
from tarmac.model.system import System

#: How long a program has to print its version; a JVM on a busy machine takes seconds.
ANSWER_S = 10.0


@dataclass(frozen=True)
class Choice:
    """What a service asks for, and what it gets."""

    service: str
    toolchain: Toolchain
    wish: Wish
    #: The version of the program on PATH; "" without one.
    found: str
    #: Variables with which another version is used; none where PATH's fits, or no other does.
    env: Mapping[str, str] = field(default_factory=dict)
    #: The version that is used by them.
    chosen: str = ""

    @property
    def lacks(self) -> str:
        """Return what is missing here, and what to do; "" where something that fits is there."""
        if self.chosen or not self.wish.is_strict or not self.found:
            return ""  # a program that is not there at all is told of by its own name
        number = ".".join(map(str, self.wish.wanted[-1][0] or (self.wish.text,)))
        return (
            f"{self.service}: is for {self.toolchain.title} {self.wish.text} ({self.wish.place}), "
            f"and {self.found} runs here; {self.toolchain.get.format(number)}"
        )


def choices(system: System) -> tuple[Choice, ...]:
    """Look at each foreign service; what asks for nothing, or for what PATH has, is left out."""
    known: list[Toolchain] = [module.TOOLCHAIN for module in registry.modules(toolchains)]
    found: list[Choice] = []
    for name in system.file.services:
        if system.is_kit(name):
            continue
        commands = _commands(system, name)
        for toolchain in known:
            if any(uses(toolchain, command) for command in commands):
                found += _of_service(system, name, toolchain)
    return tuple(found)


def lacks(system: System) -> tuple[str, ...]:
    """Say of each service what its files ask for and this machine has not."""
    return tuple(filter(None, (choice.lacks for choice in choices(system))))


def variables(chosen: tuple[Choice, ...]) -> dict[str, dict[str, str]]:
    """Join the variables of a service's choices: each version's folder stands first on PATH."""
    found: dict[str, dict[str, str]] = {}
    for choice in chosen:
        env = found.setdefault(choice.service, {})
        path = os.pathsep.join(filter(None, (choice.env.get("PATH"), env.get("PATH"))))
        env |= {**choice.env, "PATH": path} if path else choice.env
    on_path = os.environ.get("PATH", os.defpath)
    return {
        name: {**env, "PATH": f"{env['PATH']}{os.pathsep}{on_path}"}
        for name, env in found.items()
        if env.get("PATH")
    }


def _commands(system: System, name: str) -> tuple[str, ...]:
    service, parts = system.file.services[name], system.parts[name]
    run = service.run or (parts[0].part.run if parts else ()) or ()
    return (" ".join(run), *(" ".join(task.run) for task in service.tasks.values()))


def _of_service(system: System, name: str, toolchain: Toolchain) -> Iterator[Choice]:
    root = Path(system.folder)
    parts = system.parts[name]
    folder = system.file.services[name].cwd or (parts[0].folder if parts else "")
    if folder and not system.file.services[name].cwd and name not in system.checkouts:
        folder = os.path.relpath(folder, root)
    if toolchain.instead and (root / folder / toolchain.instead).exists():
        return
    checkout = system.checkouts.get(name)
    top = checkout.folder if checkout else "/"
    wanted = _wish(root, posixpath.normpath(folder or "."), toolchain, top)
    wanted = wanted or named_in(toolchain, _commands(system, name))
    if wanted is None:
        return
    program = find_program(toolchain.program)
    here = _printed(program, toolchain.ask, _changed(program)) if program else ""
    if fits(toolchain.reads(here), wanted.wanted):
        return
    best = _best(tuple(installed(toolchain)), wanted, toolchain, here)
    if best is None:
        yield Choice(name, toolchain, wanted, here)
        return
    number, chosen = best
    env = {"PATH": str(chosen)}
    if toolchain.home_variable:
        env[toolchain.home_variable] = str(chosen.parent)
    yield Choice(name, toolchain, wanted, here, env, ".".join(map(str, number)))


def _best(
    there: tuple[tuple[Version, Path], ...], wanted: Wish, toolchain: Toolchain, here: str
) -> tuple[Version, Path] | None:
    """Choose the nearest: the oldest that fits, with the newest corrections of it.

    Where a file only says what the repository is tried with, the one before that does mostly, too.
    """
    fitting = [pair for pair in there if fits(pair[0], wanted.wanted)]
    if fitting:
        own = toolchain.numbers
        nearest = min(number[:own] for number, _ in fitting)
        return max(pair for pair in fitting if pair[0][:own] == nearest)
    on_path = toolchain.reads(here)
    older = [pair for pair in there if on_path < pair[0] < wanted.wanted[-1][0]]
    return None if wanted.is_strict or not older else max(older)


def _wish(root: Path, folder: str, toolchain: Toolchain, top: str) -> Wish | None:
    """Find what is asked for in a folder, or in one above it up to the system's own.

    Args:
        top: where that ends for an absolute path.
    """

    def read(path: str) -> str:
        with contextlib.suppress(OSError, BadInput):
            return files.text(root / path)
        return ""

    while True:
        start = "" if folder == "." else f"{folder}/"
        if found := wish(toolchain, start, read):
            return found
        if not start or folder.startswith("..") or folder == top:
            return None
        folder = posixpath.dirname(folder) or "."


def installed(toolchain: Toolchain) -> Iterator[tuple[Version, Path]]:
    """List the versions below the folders that switchers and packages use."""
    for pattern in toolchain.folders:
        place = Path(pattern).expanduser()
        parts = place.parts
        at = next(index for index, part in enumerate(parts) if "*" in part)
        for found in sorted(find_paths(str(place))):
            said = found.parts[at].removeprefix(parts[at].partition("*")[0])
            number = toolchain.reads(said)
            if number and (found / toolchain.program).exists():
                yield number, found


def _changed(program: str) -> int:
    with contextlib.suppress(OSError):
        return Path(program).stat().st_mtime_ns
    return 0


@functools.cache
def _printed(program: str, ask: tuple[str, ...], *_file: int) -> str:
    """Ask a program for its version, once as long as its file stays the same."""
    try:
        done = subprocess.run(
            [program, *ask],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return version_in((done.stdout + done.stderr).decode("utf-8", "replace"))
