"""Finds the extensions of a package: one file each, one constant of a fixed name in each.

Called by each module that needs a catalogue (of stores, renderers, gates, faults, drills). It keeps
no list and no state: adding an extension is adding its file, or installing a package with an entry
point in the catalogue's group: `tarmac.stores`, `tarmac.renderers`, `tarmac.gates`,
`tarmac.recognisers`, `tarmac.faults`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import Any

from tarmac.base.errors import TarmacError


@cache
def _installed() -> Any:
    """Read all installed packages' entry points, which takes longer than a topic's modules."""
    return metadata.entry_points()


def entry_points(group: str) -> EntryPoints:
    """List the entry points of a group."""
    found: EntryPoints = _installed().select(group=group)
    return found


class BrokenExtension(TarmacError):
    """An extension file or entry point that does not offer what its folder promises."""


class Catalogue(Mapping[str, Any]):
    """Extensions by id, as their files are named; each is imported when it is first asked for."""

    def __init__(self, package: ModuleType, constant: str) -> None:
        self._package, self._constant = package, constant
        self._names = [info.name for info in _files(package) if not info.ispkg]

    def __getitem__(self, name: str) -> Any:
        """Import an extension. Raises KeyError where there is none."""
        if name not in self._names:
            raise KeyError(name)
        module = importlib.import_module(f"{self._package.__name__}.{name}")
        return getattr(module, self._constant)

    def __iter__(self) -> Iterator[str]:
        """List the ids; imports nothing."""
        return iter(self._names)

    def __len__(self) -> int:
        """Count them."""
        return len(self._names)


def catalogue(package: ModuleType, constant: str) -> Mapping[str, Any]:
    """Return the extensions of a package by id, each imported when it is first asked for.

    All at once, as by `load`, where packages of others add some: two may have the same id.
    """
    if entry_points(group=_group(package)):
        return load(package, constant)
    return Catalogue(package, constant)


def load(package: ModuleType, constant: str) -> dict[str, Any]:
    """Load every extension of a package, by id, in the files' sorted order.

    Args:
        package: the folder to walk, with its topics one level down. Names that begin with `_` or
            stand in the package's `SHARED` are skipped.
        constant: the module-level name that each file must define, e.g. `STORE`.

    Raises:
        BrokenExtension: a file without the constant, an id that occurs twice, an entry point that
            cannot be loaded or is for another catalogue.
    """
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def add(value: Any, origin: str) -> None:
        if value.id in found:
            raise BrokenExtension(
                f"{origin}: id '{value.id}' is taken by {origins[value.id]}; choose another"
            )
        found[value.id] = value
        origins[value.id] = origin

    for module in modules(package):
        if not hasattr(module, constant):
            raise BrokenExtension(f"{module.__file__}: defines no {constant}; add it")
        add(getattr(module, constant), str(module.__file__))
    shipped = {type(value) for value in found.values()}
    for point in sorted(entry_points(group=_group(package)), key=lambda point: point.name):
        origin = f"entry point {point.group}:{point.name}"
        value = _loaded(point, origin)
        if type(value) not in shipped:
            known = " or ".join(sorted(kind.__name__ for kind in shipped))
            raise BrokenExtension(f"{origin}: is no {known} ({value!r}); name the constant of one")
        add(value, origin)
    return found


def _group(package: ModuleType) -> str:
    """Name the entry points by which packages of others extend a catalogue."""
    group: str = getattr(package, "ENTRY_POINTS", f"tarmac.{package.__name__.rpartition('.')[2]}")
    return group


def _loaded(point: EntryPoint, origin: str) -> Any:
    try:
        return point.load()
    except Exception as error:
        named = type(error).__name__
        raise BrokenExtension(
            f"{origin}: cannot be loaded ({named}: {error}); correct or uninstall its package"
        ) from error


def modules(package: ModuleType, deep: bool = True) -> Iterator[ModuleType]:
    """Import each extension file of a package and, one level down, of its topics."""
    for info in _files(package):
        if info.ispkg and not deep:
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if info.ispkg:
            yield from modules(module, deep=False)
        else:
            yield module


def _files(package: ModuleType) -> list[pkgutil.ModuleInfo]:
    """List what a package's extensions are in, by name."""
    shared = getattr(package, "SHARED", ())
    found = sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name)
    return [info for info in found if not info.name.startswith("_") and info.name not in shared]
