"""Which folder's Compose files one belongs to: those that include it, or those beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import included, is_compose


def compose_folders(files: Files) -> dict[str, PurePosixPath]:
    """Find the folder of each Compose file, by its path; what is included has any name."""
    known = {one.path: one for one in files.artifacts if isinstance(one.content, Mapping)}
    named = [path for path in known if is_compose(path)]
    found = {path: PurePosixPath(path).parent for path in named}
    taken = set[str]()
    # Those above first: what they include, includes others in its turn.
    for path in sorted(named, key=lambda one: (one.count("/"), one)):
        todo = [] if path in taken else [path]
        while todo:
            one = known[todo.pop()]
            for other in included(one.path, one.data):
                if other in known and other not in taken and other != path:
                    taken.add(other)
                    found[other] = found[path]
                    todo.append(other)
    return found
