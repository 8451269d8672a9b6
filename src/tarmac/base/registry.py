"""Finds the extensions of a package: one file each, one constant of a fixed name in each.

Called by each module that needs a catalogue (of stores, renderers, gates, faults, drills). It keeps
no list and no state: adding an extension is adding its file, or installing a package with an entry
point in the catalogue's group: `tarmac.stores`, `tarmac.renderers`, `tarmac.gates`,
`tarmac.recognisers`, `tarmac.faults`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from tarmac.base.errors import TarmacError


class BrokenExtension(TarmacError):
    """An extension file or entry point that does not offer what its folder promises."""


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
    group = getattr(package, "ENTRY_POINTS", f"tarmac.{package.__name__.rpartition('.')[2]}")
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        origin = f"entry point {point.group}:{point.name}"
        value = _loaded(point, origin)
        if type(value) not in shipped:
            known = " or ".join(sorted(kind.__name__ for kind in shipped))
            raise BrokenExtension(f"{origin}: is no {known} ({value!r}); name the constant of one")
        add(value, origin)
    return found


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
    shared = getattr(package, "SHARED", ())
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_") or info.name in shared or (info.ispkg and not deep):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if info.ispkg:
            yield from modules(module, deep=False)
        else:
            yield module
