"""Compose files whose services have what they extend, as Compose reads them.

Each part keeps its place: what a service has of another one is told where that is written.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.check.gates.views.compose.entries import (
    extends,
    from_folder,
    is_compose,
    variable,
)

#: What a service does not have of the one that it extends: names of others, which it may not have.
OWN = frozenset({"depends_on", "links", "volumes_from", "extends"})
#: Lists that are replaced and not added to.
_REPLACED = frozenset({"command", "entrypoint"})
#: How many services may extend one another.
_DEEPEST = 8

Places = dict[tuple[str | int, ...], str]
#: The file and the name of a service.
_Key = tuple[str, str]


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
        (one.path, name): base
        for one in known.values()
        for name, service in fields(one.data, "services").items()
        if (base := extends(one.path, service))
    }
    if not asked:
        return every
    written = {key: own for one in known.values() for key, own in _written(one)}
    whole = {key: found for key in asked if (found := _whole(key, written, 0))}
    others = {base for key, base in asked.items() if base[0] != key[0]}
    parts = {base for base in others if not is_compose(base[0])}
    changed = {path for path, _ in (*whole, *parts)}
    return tuple(_read(one, whole, parts) if one.path in changed else one for one in every)


def _read(artifact: Artifact, whole: Mapping[_Key, _Service], parts: Collection[_Key]) -> Artifact:
    places = dict(artifact.places)
    services = dict[str, Any]()
    for name, service in fields(artifact.data, "services").items():
        key = (artifact.path, name)
        if key in whole:
            own = whole[key].places
            places |= {("services", name, *path): place for path, place in own.items()}
        if key not in parts:
            services[name] = whole[key].data if key in whole else service
    return replace(artifact, content={**artifact.data, "services": services}, places=places)


def _written(artifact: Artifact) -> Iterator[tuple[_Key, _Service]]:
    """Yield the services of a file as they are written."""
    places: dict[str | int, Places] = {}
    for path, line in artifact.lines.items():
        if path[:1] == ("services",) and len(path) > 2:
            places.setdefault(path[1], {})[path[2:]] = f"{artifact.path}:{line}"
    for name, service in fields(artifact.data, "services").items():
        if isinstance(service, Mapping):
            yield (artifact.path, name), _Service({**service}, places.get(name, {}))


def _whole(key: _Key, written: Mapping[_Key, _Service], depth: int) -> _Service | None:
    """Read a service with what it extends; None where that is not here."""
    own = written.get(key)
    if own is None or depth > _DEEPEST:
        return None
    asked = extends(key[0], own.data)
    if asked is None:
        return own
    base = _whole(asked, written, depth + 1)
    if base is None:
        return None
    here, there = (posixpath.dirname(path) or "." for path in (key[0], asked[0]))
    moved = from_folder(posixpath.relpath(there, here), base.data)
    return _joined(replace(base, data=moved), own)


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
