"""Traefik in Compose files: which version a service runs, and where labels for it are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tarmac.base.foreign.reading import items
from tarmac.check.gates.views.compose.services import ComposeService

_IMAGE = re.compile(r"(docker\.io/)?(library/)?traefik(:v?(\d+)[\w.-]*)?(@.*)?")
#: A file in which it may be told more than by its arguments.
SETTINGS = re.compile(r"(?i)configfile|traefik\.(ya?ml|toml)|/etc/traefik/?$")
_ENTRY = re.compile(r"(?i)--entrypoints?\.([\w-]+)[.=]|TRAEFIK_ENTRYPOINTS_([A-Z0-9]+)[_=]")


def version_of(service: ComposeService) -> int | None:
    """Read the version of Traefik that a service runs; 0: not known, None: it runs none."""
    return version_in(service.image or "")


def version_in(image: str) -> int | None:
    """Read the version of Traefik that is in an image; 0: not known, None: it is another one."""
    found = _IMAGE.fullmatch(image)
    return int(found[4] or 0) if found else None


def entry_points(told: Iterable[str]) -> set[str]:
    """List the entry points that arguments and variables, each as `name=value`, name."""
    found = (own for text in told for own in _ENTRY.findall(text))
    return {(name or variable).lower() for name, variable in found}


def place_of(service: ComposeService, label: str) -> str:
    """Return where a label of a service is, in a mapping or in a list of `name=value`."""
    entries = items(service.data, "labels")
    numbers = [n for n, entry in enumerate(entries) if str(entry).partition("=")[0] == label]
    return service.at("labels", numbers[0] if numbers else label)
