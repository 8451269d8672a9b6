"""Finds the extensions of a package: one file each, one constant of a fixed name in each.

Called by whoever needs a catalogue (stores here; renderers, gates, faults, drills alike). It keeps
no list and no state: adding an extension is adding its file, or installing a package with an entry
point in the group named like the package (`tarmac.stores`).
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from tarmac.errors import TarmacError


class BrokenExtension(TarmacError):
    """An extension file or entry point that does not offer what its folder promises."""


def load(package: ModuleType, constant: str) -> dict[str, Any]:
    """Load every extension of a package, by id, in the files' sorted order.

    Args:
        package: the folder to walk; names that begin with `_` are skipped.
        constant: the module-level name that each file must define, e.g. `STORE`.

    Raises:
        BrokenExtension: a file without the constant, or an id that occurs twice.
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

    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if not hasattr(module, constant):
            raise BrokenExtension(f"{module.__file__}: defines no {constant}; add it")
        add(getattr(module, constant), str(module.__file__))
    for point in sorted(entry_points(group=package.__name__), key=lambda point: point.name):
        add(point.load(), f"entry point {point.group}:{point.name}")
    return found
