"""What a container of a known server is: a store, with the login and the port that it is told.

`compose_containers` asks, where an image shows which server it holds.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tarmac.adopt.containers.compose_parts import (
    commands_of,
    environment_of,
    mounts_of,
    ports_of,
    secrets_of,
)
from tarmac.adopt.containers.compose_places import joined_path
from tarmac.adopt.containers.container import words
from tarmac.adopt.stores import servers
from tarmac.adopt.stores.installed_servers import InstalledServer, service_of
from tarmac.adopt.survey.found import (
    Folder,
    KnownPlace,
    Service,
    Store,
    port_number,
    valid_name,
)

#: Programs that fill a server or look into it.
_CLIENTS = re.compile(
    r"mongo(?:sh|import|export|dump|restore)?|mysql(?:admin|dump|import|sh)?|mariadb(?:-\w+)?|"
    r"redis-cli|rabbitmq(?:admin|ctl)"
)


#: Where servers have pages for people.
_PAGES = frozenset({8025, 1080, 9001, 15672})


def starts_another(dockerfile: str, server: servers.Server) -> bool:
    """Tell whether an image that is made of a server's starts another program: a backup, say."""
    said = re.findall(r"(?im)^CMD\s+(.+)$", dockerfile)
    name = posixpath.basename("".join(words(said[-1])[:1])) if said else ""
    own = (*server.shows.images, "mysqld", "mongo", "entrypoint")
    is_own = any(known in name for known in own) and not _CLIENTS.fullmatch(name)
    return bool(name) and not name.startswith("-") and not is_own


#: Programs that write what a server has into a file.
_BACKS_UP = re.compile(r"\b(?:pg_dump(?:all)?|mysqldump|mariadb-dump|mongodump)\b")
#: It ends as the server, or as what it is given.
_GOES_ON = re.compile(
    r"docker-entrypoint|exec\s+\"?\$@|"
    r"^[ \t]*(?:exec\s+)?(?:postgres|mysqld|mariadbd|mongod|redis-server)(?:[ \t&].*)?$",
    re.MULTILINE,
)
_IS_SERVER = re.compile(r"docker-entrypoint|\b(?:postgres|mysqld|mariadbd|mongod) +-")


def backs_up(spec: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Tell whether a container of a server's image only writes another one's data into files."""
    said = " ".join(commands_of(spec, values))
    return bool(_BACKS_UP.search(said)) and not _IS_SERVER.search(said)


def emulated(spec: Mapping[str, Any], image: str, values: Mapping[str, str]) -> str:
    """Name the kind of store that a program stands for which plays servers of a cloud: S3 alone."""
    env, _, _ = environment_of(spec, Folder("", (), lambda _: "", lambda _: False), values)
    asked = {word.strip() for word in env.get("SERVICES", "").split(",")}
    return "s3" if servers.name_of(image) == "localstack" and asked == {"s3"} else ""


def script_in(spec: Mapping[str, Any], values: Mapping[str, str], root: Folder) -> str:
    """Find the script of the repository that a container of a server's image runs instead of it.

    It has the server's image for its client alone: what it makes is in another container.
    """
    said = commands_of({"entrypoint": spec.get("entrypoint")}, values)
    is_shells = posixpath.basename("".join(said[:1])) in ("sh", "bash", "ash")
    program = "".join(said[is_shells : is_shells + 1])
    for source, target in mounts_of(spec):
        inside = target.rstrip("/")
        if program and (program == inside or program.startswith(f"{inside}/")):
            place = joined_path(source, program.removeprefix(inside).lstrip("/"))
            text = root.read(place)
            return place if text and not _GOES_ON.search(text) else ""
    return ""


def made_here(image: str, root: Folder) -> tuple[str, str]:
    """Find the server's image that one of this repository's is made of, and where; else ""."""
    name = servers.name_of(image)
    found = servers.built(root).items()
    return next((made for own, made in found if name == own or name.endswith(f"-{own}")), ("", ""))


def installed(
    own: str, server: InstalledServer, spec: Mapping[str, Any], values: Mapping[str, str]
) -> Service:
    """Read the service that starts a server which people have installed, as its container does."""
    env, _, _ = environment_of(spec, Folder("", (), lambda _: "", lambda _: False), values)
    return service_of(own, server, env, commands_of(spec, values))


def store_of(
    own: str,
    spec: Mapping[str, Any],
    server: servers.Server,
    image: str,
    values: Mapping[str, str],
    root: Folder,
) -> Store:
    """Read the store that a container is, with the login and the port that it is told.

    Args:
        own: the container's name.
        image: the one that holds the server.
        values: those of the project's `.env`.
        root: has its files of variables.
    """
    env, _, _ = environment_of(spec, root, values)
    file = servers.told(server, env, "PASSWORD_FILE", "PASS_FILE", "ROOT_PASSWORD_FILE")
    remarks = []
    words_said = commands_of(spec, values)
    told = [word for word in words_said if word.startswith("-")]
    port = next((port_number(b) for a, b in pairwise(words_said) if a in ("-p", "--port")), 0)
    port = port if port != server.shows.port else 0
    if told and not (port and len(told) == 1):
        remarks.append(f"its options are not carried over: {' '.join(commands_of(spec, values))}")
    if server.shows.extended and re.search(server.shows.extended, image):
        remarks.append(f"a plain server answers here, without the extensions of {image}")
    return Store(
        valid_name(own),
        server.kind,
        servers.version_of(image),
        tuple(remarks),
        user=servers.told(server, env, "USER", "USERNAME") or server.shows.user,
        password=servers.told(server, env, "PASSWORD", "PASS", "ROOT_PASSWORD"),
        database=servers.told(server, env, "DB", "DATABASE"),
        password_secret=secrets_of(spec).get(file, ""),
        known=KnownPlace(port=port, by=valid_name(own)) if port else None,
        published=next((here for here, inside in ports_of(spec) if inside not in _PAGES), 0),
    )
