"""Finds what this machine has for a store kind: which provider, which programs, which version.

Called while facts are gathered. It starts no server; it runs a program only to learn its version,
and `docker info` only where nothing else fits or it was asked for.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tarmac.base.installed import find_paths, find_program
from tarmac.base.places import cache_folder
from tarmac.catalog.stores.kind import (
    Binary,
    Image,
    InstalledFolder,
    Module,
    Program,
    Provider,
    ProviderCandidate,
    StoreKind,
    Wheel,
    numbers,
)
from tarmac.catalog.stores.setup.docker import DOCKER
from tarmac.run.local.host import privileges
from tarmac.run.local.state.paths import outside_folder

#: How long Docker's daemon has to answer; a program, to print its version.
DOCKER_S, VERSION_S = 2.0, 5.0
NUMBERS = re.compile(r"\d+(\.\d+)*")


class Machine:
    """One look at this machine: in it Docker is asked once, however many stores want it."""

    @functools.cached_property
    def docker(self) -> str:
        """The Docker client, if its daemon answers; else empty."""
        client = find_program(DOCKER)
        if client is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                done = subprocess.run(
                    [client, "info", "--format", "{{.ServerVersion}}"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=DOCKER_S,
                    check=False,
                )
                return client if done.returncode == 0 and done.stdout.strip() else ""
        return ""


def find(
    kind: StoreKind,
    machine: Machine | None = None,
    *,
    asked_version: str | None = None,
    asked_provider: str | None = None,
) -> ProviderCandidate | None:
    """Find what this machine has for a kind.

    Args:
        asked_version: the first that has it wins; if none does, the first of all.
        asked_provider: only this one counts; None: those that the kind lists, in its order, but
            for those that are had on request only.
    """
    machine = machine or Machine()
    first = None
    for provider in kind.providers:
        if asked_provider == provider.id or (asked_provider is None and not provider.on_request):
            for candidate in _offers(provider, machine, asked_version):
                known = replace(candidate, kind=kind.id, note=provider.note(candidate))
                if known.fits(asked_version):
                    return known
                first = first or known
    return first


def _offers(
    provider: Provider, machine: Machine, asked_version: str | None
) -> Iterator[ProviderCandidate]:
    """Yield what a provider has, best first; nothing if one of its programs is absent."""
    main, *others = provider.programs
    first = provider.programs[main]
    if isinstance(first, Image):
        if machine.docker:
            tag = asked_version or first.tag
            image, client = f"{first.name}:{tag}", (machine.docker,)
            yield ProviderCandidate(
                provider.id, {main: client}, tag, image=image, env=_docker_env()
            )
        return
    for command, version in _commands(first):
        found = {name: _beside(provider.programs[name], Path(command[0])) for name in others}
        programs = {name: argv for name, argv in {main: command, **found}.items() if argv}
        if len(programs) == len(provider.programs):
            yield ProviderCandidate(provider.id, programs, version)


def refused(kind: StoreKind, request: str | None = None) -> Iterator[str]:
    """Yield why a program of a kind that this machine has cannot be used: its version."""
    for provider in kind.providers:
        first = next(iter(provider.programs.values()))
        if request in (None, provider.id) and isinstance(first, Binary):
            for path, by_folder in _on_machine(first):
                version = _asked_for_version(path, first) if first.version else by_folder
                if not version:
                    yield f"{shlex.join((path, *first.version))} prints no version"
                elif not first.takes(numbers(version)):
                    below = f", below {first.below}" if first.below else ""
                    yield f"{path} is {version}; needed: {first.oldest} or newer{below}"


def _beside(program: Program, main: Path) -> tuple[str, ...] | None:
    """Find another program of a provider, in the folder of its first one if it is there."""
    if isinstance(program, Binary):
        for name in (program.name, *program.or_else):
            if os.access(main.with_name(name), os.X_OK):
                return (str(main.with_name(name)),)
    return next((command for command, _ in _commands(program)), None)


def _commands(program: Program) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each command line that runs a program here, with the version that it runs."""
    match program:
        case Module():
            yield (sys.executable, "-m", program.name), _distribution_version(program.distribution)
        case Wheel():
            if path := _in_wheel(program):
                yield (path,), _distribution_version(program.distribution)
        case Binary():
            for path, by_folder in _on_machine(program):
                version = _asked_for_version(path, program) if program.version else by_folder
                if version and program.takes(numbers(version)):
                    yield (path,), version
        case InstalledFolder():
            for path, version in _unpacked(program):
                if numbers(version) >= numbers(program.oldest):
                    yield (path,), version


def _unpacked(program: InstalledFolder) -> Iterator[tuple[str, str]]:
    """Yield the folders that hold a program and its version: the named one, then the newest."""
    if named := os.environ.get(program.variable):
        yield from _versions(program, Path(named))
    kept = [
        found
        for pattern in program.folders
        for folder in find_paths(pattern.format(cache=cache_folder()))
        for found in _versions(program, folder)
    ]
    yield from sorted(kept, key=_newest_last, reverse=True)


def _versions(program: InstalledFolder, folder: Path) -> Iterator[tuple[str, str]]:
    before, _, after = program.holds.rpartition("/")[2].partition("*")
    for file in folder.glob(program.holds):
        version = file.name.removeprefix(before).removesuffix(after)
        if NUMBERS.fullmatch(version):
            yield str(folder), version


@functools.cache
def _distribution_version(name: str) -> str:
    # A wheel that was packed again has the same program in it: 9.1.2.post2 is 9.1.2.
    return importlib.metadata.version(name).partition(".post")[0]


def _on_machine(program: Binary) -> Iterator[tuple[str, str]]:
    """Yield a program's path and the version that its folder names.

    On PATH first, then in its folders, the newest version first.
    """
    seen: set[str] = set()
    for name in (program.name, *program.or_else):
        on_path = [(find_program(name) or "", "")] if program.on_path else []
        in_folders = [
            found
            for pattern in program.folders
            for found in sorted(_matches(pattern, name), key=_newest_last, reverse=True)
        ]
        for path, version in (*on_path, *in_folders):
            if os.access(path, os.X_OK) and os.path.realpath(path) not in seen:
                seen.add(os.path.realpath(path))
                yield path, version


def _matches(pattern: str, name: str) -> Iterator[tuple[str, str]]:
    pattern = pattern.format(cache=cache_folder())
    star = re.compile(re.escape(pattern).replace(r"\*", "(.*)") + "/")
    for path in map(str, find_paths(f"{pattern}/{name}")):
        found = star.match(path)
        version = NUMBERS.search(" ".join(found.groups())) if found else None
        yield path, version[0] if version else ""


def _newest_last(found: tuple[str, str]) -> tuple[int, ...]:
    return numbers(found[1])


def _asked_for_version(path: str, program: Binary) -> str:
    status = Path(path).stat()
    return _printed_version(path, program.version, status.st_mtime_ns, status.st_size)


@functools.cache
def _printed_version(path: str, arguments: tuple[str, ...], *_file: int) -> str:
    """Run a program for its version; empty if it does not run here. Asked once per file."""
    try:
        done = subprocess.run(
            [path, *arguments],
            capture_output=True,
            timeout=VERSION_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = NUMBERS.search((done.stdout or done.stderr).decode(errors="replace"))
    return found[0] if found and done.returncode == 0 else ""


def _docker_env() -> dict[str, str]:
    """Pick the variables by which the Docker client finds its daemon."""
    names = ("PATH", "HOME", "XDG_RUNTIME_DIR", *(n for n in os.environ if n.startswith("DOCKER_")))
    return {name: os.environ[name] for name in names if name in os.environ}


def _in_wheel(program: Wheel) -> str | None:
    """Find a wheel's program: a file of that name among those that were installed with it."""
    known = _wheel_file(program.distribution, program.path)
    if known is None or not known.exists():  # installed or renewed since
        _wheel_file.cache_clear()
        known = _wheel_file(program.distribution, program.path)
    if known is None:
        return None
    if privileges.drop() == "setuid":
        known = _readable_copy(known, importlib.metadata.distribution(program.distribution))
    return str(known)


@functools.cache
def _wheel_file(name: str, ending: str) -> Path | None:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    # `distribution.files` would take 40 ms for a PostgreSQL, a twentieth of a start.
    for line in (distribution.read_text("RECORD") or "").splitlines():
        file = line.rsplit(",", 2)[0].strip('"')
        if file.endswith(ending):
            return Path(str(distribution.locate_file(file))).resolve()
    return None


def _readable_copy(program: Path, distribution: importlib.metadata.Distribution) -> Path:
    """Copy a wheel's files to where an unprivileged user can read them, outside /root."""
    programs = outside_folder("programs", mode=0o755)
    target = programs / f"{distribution.name}-{distribution.version}"
    site = Path(str(distribution.locate_file(""))).resolve()
    if not target.exists():
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        for file in distribution.files or ():
            source = Path(str(file.locate())).resolve()
            if source.is_file() and source.is_relative_to(site):
                copy = partial / source.relative_to(site)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy)
        for folder in (partial, *(path for path in partial.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        with contextlib.suppress(OSError):
            partial.replace(target)
    return target / program.relative_to(site) if program.is_relative_to(site) else program
