"""Compose files whose services have what they extend, as Compose reads them.

Each part keeps its place: what a service has of another one is told where that is written.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields
from tarmac.check.gates.views.images.compose_entries import (
    COMPOSE_FILE,
    extends,
    from_folder,
    variable,
)

#: What a service does not have of the one that it extends: names of others, which it may not have.
OWN = frozenset({"depends_on", "links", "volumes_from", "extends"})
#: Lists that are replaced and not added to.
_REPLACED = frozenset({"command", "entrypoint"})
#: How many services may extend one another.
_DEEPEST = 8

Places = dict[tuple[str | int, ...], str]


@dataclass(frozen=True)
class _Service:
    """What a service has, and where each part of it is written."""

    data: dict[str, Any]
    places: Places


def extended(artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Replace Compose files with services that extend others; these are parts of them then."""
    every = tuple(artifacts)
    known = {one.path: one for one in every if not one.is_object and fields(one.data, "services")}
    asked = {
        base
        for one in known.values()
        for service in fields(one.data, "services").values()
        if (base := extends(one.path, service)) and base[0] != one.path
    }
    parts = {base for base in asked if not COMPOSE_FILE.fullmatch(posixpath.basename(base[0]))}
    return tuple(_read(one, known, parts) for one in every)


def _read(
    artifact: Artifact, known: Mapping[str, Artifact], parts: Collection[tuple[str, str]]
) -> Artifact:
    if artifact.path not in known:
        return artifact
    places = dict(artifact.places)
    services = dict[str, Any]()
    for name, service in fields(artifact.data, "services").items():
        whole = _whole(artifact, name, known, 0) if extends(artifact.path, service) else None
        if whole is not None:
            places |= {("services", name, *path): place for path, place in whole.places.items()}
        if (artifact.path, name) not in parts:
            services[name] = service if whole is None else whole.data
    if services == artifact.data["services"]:
        return artifact
    return replace(artifact, content={**artifact.data, "services": services}, places=places)


def _whole(
    artifact: Artifact, name: str, known: Mapping[str, Artifact], depth: int
) -> _Service | None:
    """Read a service with what it extends; None where that is not here."""
    written = dig(artifact.data, "services", name)
    if not isinstance(written, Mapping) or depth > _DEEPEST:
        return None
    root = ("services", name)
    own = _Service(
        {**written},
        {
            path[2:]: f"{artifact.path}:{line}"
            for path, line in artifact.lines.items()
            if path[:2] == root and len(path) > 2
        },
    )
    asked = extends(artifact.path, written)
    if asked is None:
        return own
    there = known.get(asked[0])
    base = _whole(there, asked[1], known, depth + 1) if there else None
    if there is None or base is None:
        return None
    way = posixpath.relpath(
        posixpath.dirname(there.path) or ".", posixpath.dirname(artifact.path) or "."
    )
    return _joined(replace(base, data=from_folder(way, base.data)), own)


def _joined(base: _Service, own: _Service) -> _Service:
    data = {key: value for key, value in base.data.items() if key not in OWN}
    places = {path: place for path, place in base.places.items() if path[0] not in OWN}
    for key, value in own.data.items():
        if key == "extends":
            continue
        before, after = data.get(key), value
        mine = {path: place for path, place in own.places.items() if path[0] == key}
        if key == "environment":
            before, after = _by_name(before), _by_name(after)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            data[key] = {**before, **after}
        elif isinstance(before, list) and isinstance(after, list) and key not in _REPLACED:
            data[key] = [*before, *after]
            mine = {
                (key, path[1] + len(before), *path[2:]): place
                for path, place in mine.items()
                if len(path) > 1 and isinstance(path[1], int)
            }
        else:
            data[key] = after
            places = {path: place for path, place in places.items() if path[0] != key}
        places |= mine
    return _Service(data, places)


def _by_name(given: Any) -> Any:
    """Return variables by their names, of whichever form; what is none of them as it is."""
    return dict(map(variable, given)) if isinstance(given, list) else given
