"""Traefik in Compose files: which version a service runs, and where labels for it are."""

from __future__ import annotations

import re

from tarmac.base.foreign.reading import items
from tarmac.check.gates.views.images.compose import ComposeService

_IMAGE = re.compile(r"(docker\.io/)?(library/)?traefik(:v?(\d+)[\w.-]*)?(@.*)?")
#: A file in which it may be told more than by its arguments.
SETTINGS = re.compile(r"(?i)configfile|traefik\.(ya?ml|toml)|/etc/traefik/?$")


def version_of(service: ComposeService) -> int | None:
    """Read the version of Traefik that a service runs; 0: not known, None: it runs none."""
    found = _IMAGE.fullmatch(service.image or "")
    return int(found[4] or 0) if found else None


def place_of(service: ComposeService, label: str) -> str:
    """Return where a label of a service is, in a mapping or in a list of `name=value`."""
    entries = items(service.data, "labels")
    numbers = [n for n, entry in enumerate(entries) if str(entry).partition("=")[0] == label]
    return service.at("labels", numbers[0] if numbers else label)
