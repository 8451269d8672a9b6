"""Entries of a service in a Compose file, of the forms that Compose takes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import dig, fields, texts

#: What a Compose file may be called.
_NAME = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
_VOLUME = re.compile(r"([A-Za-z0-9][\w.-]*):(/\S*)")


def is_compose(path: str) -> bool:
    """Tell whether a file is called as one of Compose's."""
    return _NAME.fullmatch(posixpath.basename(path)) is not None


def name_of(key: str, entry: Any) -> str:
    """Return the declared volume, network, secret or config that an entry names; "" for others."""
    if isinstance(entry, Mapping):
        is_bound = key == "volumes" and entry.get("type") != "volume"
        return "" if is_bound else str(entry.get("source") or "")
    if key != "volumes":
        return str(entry)
    found = _VOLUME.match(str(entry))
    return found[1] if found else ""


def mount(entry: Any) -> str:
    """Write what a service mounts in one form: `SOURCE:TARGET`, with `:ro` for what is read."""
    if not isinstance(entry, Mapping):
        return str(entry)
    text = f"{entry.get('source') or ''}:{entry.get('target') or ''}"
    return f"{text}:ro" if entry.get("read_only") is True else text


def unnamed(entries: Any) -> set[str]:
    """List where the volumes are mounted that have no name, so that each container has its own."""
    found = set[str]()
    for entry in listed(entries):
        if isinstance(entry, Mapping):
            is_unnamed = entry.get("type") == "volume" and not entry.get("source")
            found |= {str(entry.get("target"))} if is_unnamed else set()
        elif re.fullmatch(r"/[^:$]*", str(entry)):
            found.add(str(entry))
    return {path.rstrip("/") for path in found}


def listed(value: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def variable(entry: Any) -> tuple[str, str]:
    """Split an entry of a list of variables into name and value."""
    if isinstance(entry, Mapping):
        return str(entry.get("name")), str(entry.get("value"))
    name, _, value = str(entry).partition("=")
    return name, value


def inner_port(written: str) -> int | None:
    """Return the container's port of an entry; None where that is not known."""
    last = written.partition("/")[0].rpartition(":")[2]
    return int(last) if last.isdecimal() and len(last) < 6 else None


def labels_of(given: Any) -> dict[str, str]:
    """Read labels, which are a mapping or a list."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    return dict(map(variable, listed(given)))


def from_folder(way: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """Let the paths of a service that is written in another folder begin there."""
    paths = {
        key: _from(way, service[key]) for key in {"build", "env_file", "volumes"} & service.keys()
    }
    return {**service, **paths} if way != "." else {**service}


def _from(way: str, value: Any) -> Any:
    if isinstance(value, str):
        is_path = value in (".", "..") or value.startswith(("./", "../"))
        return posixpath.join(way, value) if is_path else value
    if isinstance(value, list):
        return [_from(way, one) for one in value]
    if isinstance(value, Mapping):
        parts = {"context", "path", "source"} & value.keys()
        return {**value, **{key: _from(way, value[key]) for key in parts}}
    return value


def extends(file: str, service: Any) -> tuple[str, str] | None:
    """Return the path of the file and the name of the service that one of a file extends."""
    asked = dig(service, "extends")
    named = {"service": asked} if isinstance(asked, str) else fields(asked)
    if not isinstance(name := named.get("service"), str):
        return None
    other = named.get("file")
    return _beside(file, str(other)) if other else file, name


def included(file: str, data: Any) -> tuple[str, ...]:
    """List the paths of the Compose files that one includes."""
    written = [dig(one, "path") or one for one in listed(dig(data, "include"))]
    every = [text for one in written for text in texts(one)]
    return tuple(_beside(file, one) for one in every)


def _beside(file: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
