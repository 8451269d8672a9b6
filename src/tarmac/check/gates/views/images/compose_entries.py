"""Entries of a service in a Compose file, of the forms that Compose takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VOLUME = re.compile(r"([A-Za-z0-9][\w.-]*):(/\S*)")


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
