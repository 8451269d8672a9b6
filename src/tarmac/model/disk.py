"""Which files and folders a system's file names, and which of them are not there.

Called by `local`, which says how to look: the model does no I/O itself.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator

from tarmac.base.errors import Problem
from tarmac.model.system import System


def missing(
    system: System, is_folder: Callable[[str], bool], is_file: Callable[[str], bool]
) -> Iterator[Problem]:
    """Yield what the file names and the disk lacks: working directories and first data.

    Args:
        is_folder: tells whether a path is a folder, e.g. `os.path.isdir`.
        is_file: tells whether a path is a file, e.g. `os.path.isfile`.
    """
    for name, service in system.file.services.items():
        if service.cwd is None:
            continue
        path = os.path.normpath(os.path.join(system.folder, service.cwd))
        if not is_folder(path):
            what = "a file" if is_file(path) else "not there"
            yield Problem(
                str(system.locate(("services", name, "cwd"))),
                f"cwd of {name} is {what} ('{service.cwd}'); name a folder that is",
            )
    for name, store in system.file.stores.items():
        named: list[tuple[tuple[str | int, ...], str]] = [
            (("init", number), file) for number, file in enumerate(store.init)
        ]
        if store.seed is not None:
            named.append((("seed",), store.seed))
        for key, file in named:
            path = os.path.normpath(os.path.join(system.folder, file))
            if not is_file(path):
                what = "a folder" if is_folder(path) else "not there"
                yield Problem(
                    str(system.locate(("stores", name, *key))),
                    f"the {key[0]} of {name} is {what} ('{file}'); correct its path",
                )
