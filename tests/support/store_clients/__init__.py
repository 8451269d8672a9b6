"""A client of each kind of store: `CLIENT` in the file of its name writes a 7 and reads it.

`FOREIGN`, where a file has it, does the same as a program that is not of the kit. Whoever is
refused raises; the user and password are those of the URL.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


def client_of(kind: str, *, foreign: bool = False) -> Any:
    """Find the client of a kind. Raises LookupError where it has none."""
    if importlib.util.find_spec(f"store_clients.{kind}") is None:
        raise LookupError(f"tests/support/store_clients/{kind}.py: not there; write its CLIENT")
    module = importlib.import_module(f"store_clients.{kind}")
    return getattr(module, "FOREIGN", module.CLIENT) if foreign else module.CLIENT
