"""Variables that several services have: of a file that they name, or of one part of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import dirname

from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.compose.services import ComposeService


def sharing(
    service: ComposeService, path: Path, others: Iterable[ComposeService]
) -> Iterator[ComposeService]:
    """Yield the other services that get the value of a variable of a file that this one names.

    So do those that merge the same part by `<<`, which stands in the file once.

    Args:
        path: where the variable is, in the service.
    """
    where, at = _place_of(service, path), service.at(*path)
    for one in others:
        is_in_file = where and any(own.where == where for own in one.settings.given.values())
        if one.name != service.name and (is_in_file or one.at(*path) == at):
            yield one


def is_borrowed(service: ComposeService, path: Path) -> bool:
    """Tell whether a variable is of a file in another folder, which is that of others, too."""
    folder, where = dirname(service.artifact.path), _place_of(service, path)
    return bool(where) and not where.startswith(f"{folder}/" if folder else "")


def _place_of(service: ComposeService, path: Path) -> str:
    """Find where a file sets a variable of a service; "" where the service sets it itself."""
    name = str(path[1]) if path[:1] == ("environment",) and len(path) > 1 else ""
    return service.settings.by_file.get(name, "")
