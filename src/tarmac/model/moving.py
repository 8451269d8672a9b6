"""An included file's services and stores with their paths as the including file would write them.

Called by `joining`, which says how a path is moved.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from typing import Any

from tarmac.model.location import Path
from tarmac.model.service import Service
from tarmac.model.store import Store
from tarmac.model.system import SystemFile
from tarmac.model.value import EnvValue

#: Moves a path; its place, below the service or store, is for what is wrong with it.
Move = Callable[[str, Path], str]
#: What a variable may refer to that is relative to the system's file.
FOLDER = "${system.folder}"


def of_service(service: Service, file: SystemFile, move: Move) -> Service:
    """Move a service's paths; give it the owner and the variables of its file."""
    own = {n: value for n, value in file.env.items() if n not in service.secret_variables}
    changed: dict[str, Any] = {
        "env": {n: _with_folder(value, move) for n, value in {**own, **service.env}.items()}
    }
    if service.source:
        sources = enumerate(service.source)
        changed["source"] = tuple(move(path, ("source", number)) for number, path in sources)
    if service.run is not None or service.cwd is not None:
        changed["cwd"] = move(service.cwd or ".", ("cwd",))
    if service.api is not None:
        changed["api"] = move(service.api, ("api",))
    if service.owner is None and file.owner is not None:
        changed["owner"] = file.owner
    return service.model_copy(update=changed)


def of_store(store: Store, move: Move) -> Store:
    """Move the paths of a store's first data."""
    changed: dict[str, Any] = {}
    if store.init:
        changed["init"] = tuple(move(p, ("init", number)) for number, p in enumerate(store.init))
    if store.seed is not None:
        changed["seed"] = move(store.seed, ("seed",))
    return store.model_copy(update=changed)


def _with_folder(value: EnvValue, move: Move) -> EnvValue:
    if not isinstance(value, str) or FOLDER not in value:
        return value
    folder = move(".", ("env",))
    return value.replace(FOLDER, folder if os.path.isabs(folder) else f"{FOLDER}/{folder}")
