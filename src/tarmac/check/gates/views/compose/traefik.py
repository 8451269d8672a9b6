"""Traefik in Compose files: which version a service runs, and where labels for it are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, items, places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import labels_of, listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once

_IMAGE = re.compile(r"(docker\.io/)?(library/)?traefik(:v?(\d+)[\w.-]*)?(@.*)?")
#: A file in which it may be told more than by its arguments.
SETTINGS = re.compile(r"(?i)configfile|traefik\.(ya?ml|toml)|/etc/traefik/?$")
_ENTRY = re.compile(r"(?i)--entrypoints?\.([\w-]+)[.=]|TRAEFIK_ENTRYPOINTS_([A-Z0-9]+)[_=]")


class TraefikLabel(NamedTuple):
    """A label of a service, and the Traefik of the same files that reads it."""

    service: ComposeService
    label: str
    value: str
    proxy: ComposeService


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


def told(proxy: ComposeService) -> list[str]:
    """List its arguments and variables, each as `name=value`."""
    arguments = [text for _, text in places(dig(proxy.data, "command"))]
    return [*arguments, *(f"{name}={value}" for name, value in proxy.environment.items())]


def is_told_more(proxy: ComposeService) -> bool:
    """Tell whether a file may tell it more than its arguments and variables do."""
    mounted = [*proxy.mounted, *map(str, listed(dig(proxy.data, "volumes")))]
    return any(map(SETTINGS.search, [*mounted, *told(proxy)])) or "configs" in fields(proxy.data)


@once
def traefik_labels(files: Files) -> Iterator[TraefikLabel]:
    """Yield the labels of services beside the one Traefik that these files have."""
    for beside in compose_files(files):
        proxies = [one for one in beside.services if version_of(one) is not None]
        is_one = len({one.name for one in proxies}) == 1 and beside.is_whole
        if not is_one or 1 in map(version_of, proxies):
            continue
        for service in beside.services:
            same = [one for one in beside.services if one.name == service.name]
            labels = labels_of(dig(service.data, "labels"))
            is_off = labels.get("traefik.enable", "true").lower() == "false"
            for label, value in labels.items() if not is_off and len(same) == 1 else ():
                yield TraefikLabel(service, label, str(value), proxies[0])


def place_of(service: ComposeService, label: str) -> str:
    """Return where a label of a service is, in a mapping or in a list of `name=value`."""
    entries = items(service.data, "labels")
    numbers = [n for n, entry in enumerate(entries) if str(entry).partition("=")[0] == label]
    return service.at("labels", numbers[0] if numbers else label)
