"""Names a server of a compose file as the repository's code and settings call it.

`compose` asks. In a network of containers a server has its service's name, the name of its
container and its aliases; here it has one name, so that is the one which the code has by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.adopt.containers.compose_parts import listed
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, valid_name
from tarmac.adopt.variables import code, settings_files

#: A file of variables of any name: `.env`, `.env.example`, `dev.env`.
_OF_VARIABLES = re.compile(r"(?:^|/)(?:\.env[\w.-]*|[\w.-]+\.env)$")


def other_names(spec: Mapping[str, Any]) -> list[str]:
    """List the names that a container has beside its service's: its own ones and aliases."""
    networks = spec.get("networks")
    joined = networks.values() if isinstance(networks, dict) else ()
    aliases = [n for net in joined if isinstance(net, dict) for n in listed(net.get("aliases"))]
    named = (spec.get("container_name"), spec.get("hostname"), *aliases)
    return [str(name) for name in named if name]


def called_so(services: Mapping[str, Mapping[str, Any]], root: Folder) -> dict[str, str]:
    """List the servers that only another name of theirs is written for: service -> that name."""
    wanted = {}
    for own, spec in services.items():
        is_server = not spec.get("build") and servers.of_image(str(spec.get("image") or ""))
        names = [name for name in other_names(spec) if is_server and name == valid_name(name)]
        if names := [name for name in dict.fromkeys(names) if name not in services]:
            wanted[own] = names
    texts = [*_texts(root)] if wanted else []
    found: dict[str, str] = {}
    for own, names in wanted.items():
        said = [name for name in (own, *names) if any(map(_as_host(name).search, texts))]
        if len(said) == 1 and said[0] != own and said[0] not in found.values():
            found[own] = said[0]
    return found


def _as_host(name: str) -> re.Pattern[str]:
    """Match a name where an address has a host, or a text or a value that is no more."""
    host = re.escape(name)
    return re.compile(
        rf"(?:@|//){host}(?=[:/\"'?\s]|$)|([\"']){host}(?::\d+)?\1|"
        rf"^[ \t]*[\w.-]*(?i:host|server|addr|address)=[\"']?{host}[\"']?[ \t]*$",
        re.MULTILINE,
    )


def _texts(root: Folder) -> Iterator[str]:
    """Yield what may name a server by itself: code, settings, and files of variables."""
    yield from (text for _, text in code.texts(root))
    yield from (root.read(file) for file in root.files if _OF_VARIABLES.search(file))
    yield from (root.read(file) for file, _ in settings_files.contents(root))
