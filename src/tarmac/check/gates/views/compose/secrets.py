"""Secrets that services of a Compose file read, and whether anything puts them there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tarmac.base.foreign.reading import Path, fields, items, places
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.shared import is_borrowed, sharing
from tarmac.check.gates.views.marks import is_mark

Fault = tuple[Path, str]
_FOLDER = "/run/secrets"
#: A name that a program completes is not written to its end.
_SECRET = re.compile(rf"{_FOLDER}/([\w.-]+)(?![\w.-]|\{{\{{|\$)")


def unread(service: ComposeService, others: Iterable[ComposeService]) -> Iterator[Fault]:
    """Yield files of secrets that a service is told of, and that it does not have.

    A file of variables may be of several services, of which one reads the secret.
    """
    if any(map(is_mark, items(service.data, "secrets"))):
        return
    written = (one for one in places(service.data) if one[0][:1] != ("environment",))
    for path, text in (*written, *service.texts):
        for name in _SECRET.findall(text) if "volumes" not in path else ():
            alike = sharing(service, path, others)
            is_there = is_borrowed(service, path) or any(_has(one, name) for one in alike)
            if not is_there and not _has(service, name):
                yield path, f"reads {_FOLDER}/{name}, and has no secret {name}; add it"


def _has(service: ComposeService, name: str) -> bool:
    """Tell whether a secret, or another file in its place, is in a service's container."""
    entries = map(fields, items(service.data, "secrets"))
    there = {str(one.get("target")).removeprefix(f"{_FOLDER}/") for one in entries}
    named = {own for _, key, own in service.named if key == "secrets"}
    places_of = {one.rstrip("/") for one in service.mounted}
    return name in there | named or not places_of.isdisjoint((_FOLDER, f"{_FOLDER}/{name}"))
