"""Finds what this machine has for a store kind: which provider, which programs, which version."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

from tarmac.local import privileges
from tarmac.local.paths import outside_folder
from tarmac.stores._kind import Module, Offer, Program, StoreKind, Wheel


def find(kind: StoreKind) -> Offer | None:
    """Find the first provider of a kind that this machine has, in the kind's order."""
    for provider in kind.providers:
        found = {name: _command(program) for name, program in provider.programs.items()}
        programs = {name: command for name, command in found.items() if command is not None}
        if len(programs) == len(found):
            first = next(iter(provider.programs.values()))
            # A wheel that was packed again has the same program in it: 9.1.2.post2 is 9.1.2.
            version = importlib.metadata.version(first.distribution).partition(".post")[0]
            return Offer(provider.id, programs, version)
    return None


def _command(program: Program) -> tuple[str, ...] | None:
    if isinstance(program, Module):
        return (sys.executable, "-m", program.name)
    return _in_wheel(program)


def _in_wheel(program: Wheel) -> tuple[str, ...] | None:
    try:
        distribution = importlib.metadata.distribution(program.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in distribution.files or ():
        if str(file).endswith(program.path):
            path = Path(str(file.locate())).resolve()
            if privileges.drop() == "setuid":
                path = _readable_copy(path, distribution)
            return (str(path),)
    return None


def _readable_copy(program: Path, distribution: importlib.metadata.Distribution) -> Path:
    """Copy a wheel's files to where nobody can read them: a project below /root is closed to it."""
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
