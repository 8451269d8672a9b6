"""Settings that servers of stores are started with: in commands, and in their files."""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import by_maker
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.servers.nginx import written
from tarmac.check.gates.views.servers.store_table import known_images, known_settings

POSTGRES, REDIS, MYSQL, MARIADB = "PostgreSQL", "Redis", "MySQL", "MariaDB"
#: What a command of MySQL may begin with, and still starts the server.
_SERVERS = frozenset({"mysqld", "mariadbd", "docker-entrypoint.sh"})
_FILES = {
    POSTGRES: re.compile(r"(.*[/-])?postgres(ql)?\.conf"),
    REDIS: re.compile(r"(.*[/-])?(redis|valkey)\.conf"),
}
#: `name = value # why` and `name value`.
_LINE = re.compile(r"[ \t]*([A-Za-z_][\w.-]*)(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)")
_COMMENT = re.compile(r"(?:'[^']*'|[^'#])*")
#: Operators that hand settings on, by the group of their objects, and where these are.
_OPERATED = {
    ("postgresql.cnpg.io", "Cluster"): ("spec", "postgresql", "parameters"),
    ("acid.zalan.do", "postgresql"): ("spec", "postgresql", "parameters"),
}


class StoreSetting(NamedTuple):
    """One setting, as it is written, and where."""

    #: The server: PostgreSQL, MySQL, MariaDB, or Redis, which Valkey is as well.
    store: str
    title: str
    name: str
    value: str
    where: str
    #: The image that is started with it; "" for a file.
    image: str = ""
    #: Whether it is a line of a file, where a blank ends a value without quotes.
    is_line: bool = False


@once
def store_settings(files: Files) -> Iterator[StoreSetting]:
    """Yield them as they are written."""
    for service in compose_services(files):
        store = known_images().get(official(service), "")
        command = dig(service.data, "command")
        told = _split(command) if isinstance(command, str) else words(service)
        given = [] if dig(service.data, "entrypoint") else told
        for number, name, value in _started(store, given):
            where, image = service.at("command", number), str(service.image)
            yield StoreSetting(store, f"service {service.name}", name, value, where, image)
    for own in pods(files):
        for container in own.main_containers:
            store = known_images().get(by_maker(container.image), "")
            key = "args" if container.arguments else "command"
            told = list(container.arguments or container.words)
            for number, name, value in _started(store, told):
                called = f"{title(own.artifact)}: {container.title}"
                where = container.at(key, number)
                yield StoreSetting(store, called, name, value, where, container.image)
    for artifact in files.objects():
        group = str(artifact.data.get("apiVersion")).partition("/")[0]
        path = _OPERATED.get((group, str(artifact.data.get("kind"))), ())
        for name, value in fields(artifact.data, *path).items() if path else ():
            where = artifact.at(*path, name)
            yield StoreSetting(POSTGRES, title(artifact), str(name), str(value), where)
    yield from _in_files(files)


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quote that does not end
        return []


def _started(store: str, given: list[str]) -> Iterable[tuple[int, str, str]]:
    """Yield the settings in a command, with the number of their word."""
    for number, word in enumerate(given):
        if store == POSTGRES and (word == "-c" or word.startswith(("-c", "--"))):
            written_in = given[number + 1] if word == "-c" and given[number + 1 :] else word
            name, sign, value = written_in.removeprefix("-c").lstrip("-").partition("=")
            if sign:
                yield number + (word == "-c"), name.replace("-", "_"), value
        elif store in (MYSQL, MARIADB) and word.startswith("--") and _is_server(given):
            name, _, value = word[2:].partition("=")
            yield number, name.replace("-", "_"), value
        elif store == REDIS and word.startswith("--") and len(word) > 2:
            rest = given[number + 1 :]
            end = next((at for at, one in enumerate(rest) if one.startswith("--")), len(rest))
            yield number, word[2:], " ".join(rest[:end])


def _is_server(given: list[str]) -> bool:
    programs = itertools.takewhile(lambda word: word[:1] != "-", given)
    return _SERVERS.issuperset(map(posixpath.basename, programs))


def _in_files(files: Files) -> Iterator[StoreSetting]:
    for own in written(files, lambda path: posixpath.basename(path).endswith(".conf"), _LINE):
        name = own.name.partition(" of ")[0]
        store = next((one for one, named in _FILES.items() if named.fullmatch(name)), "")
        found = list(_lines(own.text)) if store else []
        known = known_settings(store) if store else {}
        # A file of another program has such a name, too.
        if 2 * sum(name.lower() in known for _, name, _ in found) >= len(found) > 0:
            for line, name, value in found:
                yield StoreSetting(store, own.name, name, value, own.where(line), is_line=True)


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        found = _COMMENT.match(line)
        if match := _LINE.fullmatch(found[0].rstrip() if found else ""):
            yield number, match[1], match[2].strip()
