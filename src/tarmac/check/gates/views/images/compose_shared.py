"""Files of variables that several services of a Compose file name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.images.compose import ComposeService


def sharing(
    service: ComposeService, path: Path, others: Iterable[ComposeService]
) -> Iterator[ComposeService]:
    """Yield the other services that get the value of a variable of a file that this one names.

    Args:
        path: where the variable is, in the service.
    """
    name = str(path[1]) if path[:1] == ("environment",) and len(path) > 1 else ""
    where = service.settings.by_file.get(name)
    for one in others:
        is_other = one.name != service.name
        if where and is_other and any(own.where == where for own in one.settings.given.values()):
            yield one
