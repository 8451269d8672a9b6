"""Stores in Compose files, as their images read what is said there: data paths and listeners."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Path, dig, items
from tarmac.check.gates.views.compose.entries import unnamed
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.published import published

Fault = tuple[Path, str]
#: Files of which no data is to last.
_SHORT_LIVED = re.compile(r"(?i)(?<![a-z])(test|tests|ci|e2e)(?![a-z])")
_MAJOR = re.compile(r"\d+")
_LISTENER = re.compile(r"(\w+)://([^\s,:/]*):(\d+)")
#: Addresses that a container has for itself alone.
_ITSELF = ("localhost", "127.0.0.1")


def kept(service: ComposeService) -> Iterator[Fault]:
    """Yield where a store's data is lost with its container, or its volume is beside the data."""
    of, _, own = str(service.image or "").rpartition("/")
    name, _, version = own.partition(":")
    store = published("compose")["stores"].get(name)
    if store is None or is_rebuilt(of, name) or not is_server(service, store["programs"]):
        return
    moved = set(store.get("moved", ())) & service.environment.keys()
    if "$" in version or moved or dig(service.data, "tmpfs"):
        return
    path = data_path(store["data"], version)
    mounted = [one.rstrip("/") for one in service.mounted]
    may_forget = bool(store.get("may_forget"))
    if path in unnamed(dig(service.data, "volumes")) and not may_forget:
        if not _SHORT_LIVED.search(service.artifact.path):
            what = f"keeps its data in a volume without a name, at {path}: after `down` it starts"
            yield ("volumes",), f"{what} with another one, empty; write NAME:{path}"
        return
    if any(one == path or "$" in one or one in store.get("within", ()) for one in mounted):
        return
    if may_forget and any("dir" in word or "conf" in word for word in words(service)):
        return
    others = {path, *store.get("elsewhere", ()), *(one["path"] for one in store["data"])}
    beside = [
        one for one in mounted if one in others or any(o.startswith(f"{one}/") for o in others)
    ]
    if beside and store.get("moved") and service.settings.is_open:
        return  # a file that is elsewhere may say where the data is
    if beside:
        what = f"mounts a volume at {beside[0]}, and {name}:{version or 'latest'} has its data at"
        yield ("volumes",), f"{what} {path}, which is another volume; mount it there"
    elif not may_forget and not _SHORT_LIVED.search(service.artifact.path):
        yield ("image",), f"keeps its data in its container, at {path}; mount a volume there"


def is_rebuilt(of: str, name: str) -> bool:
    """Tell whether a store's image is another maker's, whose data may be elsewhere.

    Args:
        of: what stands before the image's name: a registry, `library`, a maker.
    """
    maker = of.rpartition("/")[2]
    return maker not in ("", "library", name) and not set(".:$") & set(maker)


def is_server(service: ComposeService, programs: Iterable[str]) -> bool:
    """Tell whether a service runs the server of its image, and not a client or a script."""
    if dig(service.data, "entrypoint"):
        return False
    first = next(iter(words(service)), "-")
    return first.startswith(("-", "$")) or first.rpartition("/")[2] in programs


def words(service: ComposeService, key: str = "command") -> list[str]:
    """Split its command, or its entrypoint; one whose quotes do not close has no words."""
    command: Any = dig(service.data, key)
    if not isinstance(command, str):
        return list(map(str, items(service.data, key)))
    try:
        return shlex.split(command, posix=False)
    except ValueError:
        return []


def data_path(paths: Iterable[Mapping[str, Any]], version: str) -> str:
    """Find where a version keeps its data; of one that is not known, where the newest does."""
    major = _MAJOR.match(version)
    number = int(major[0]) if major else None
    fitting = [one for one in paths if number is None or one.get("from", 0) <= number]
    return str(fitting[-1]["path"])


def unreached(service: ComposeService, others: Iterable[ComposeService]) -> Iterator[Fault]:
    """Yield listeners of a broker that lead a client in another container to that container."""
    names = [name for name in service.environment if name.endswith("ADVERTISED_LISTENERS")]
    for name in names:
        prefix = name.removesuffix("ADVERTISED_LISTENERS")
        bound = {
            which: port
            for which, _, port in _LISTENER.findall(
                service.environment.get(f"{prefix}LISTENERS", "")
            )
        }
        for which, host, port in _LISTENER.findall(service.environment[name]):
            asked = f"{service.name}:{bound.get(which, port)}"
            if host in _ITSELF and (other := _asking(asked, service, others)):
                what = f"tells its clients to connect to {host}:{port}, and {other} asks {asked}"
                yield ("environment",), f"{what}: it would ask itself; advertise {asked}"


def _asking(address: str, service: ComposeService, others: Iterable[ComposeService]) -> str:
    pattern = re.compile(rf"(?<![\w.-]){re.escape(address)}(?!\d)")
    for other in others:
        texts = other.environment.values()
        if other.name != service.name and any(map(pattern.search, texts)):
            return other.name
    return ""
