"""Finds the servers that files of settings and code name by themselves, with the login there.

`known_servers` asks. A file that is for this place goes before one for tests or for production.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from tarmac.adopt.stores import python_calls, servers
from tarmac.adopt.survey.found import Folder, is_of_private_network, port_number
from tarmac.adopt.variables.addresses import OF_THIS_MACHINE
from tarmac.adopt.variables.settings_files import ELSEWHERE, SOURCES, contents, groups
from tarmac.adopt.variables.variable_read import is_comment, line_of

_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})
_HOSTS = ("host", "hostname", "server", "servers", "brokers", "addr", "address")
_PORTS = ("port",)
_USERS = ("user", "username", "login")
_PASSWORDS = ("password", "pass", "passwd", "pwd")
_DATABASES = ("database", "dbname", "databasename", "db", "name")
_KINDS = ("type", "dialect", "client", "driver", "adapter", "kind", "engine")
_URL = re.compile(
    r"((?:mongodb|postgres(?:ql)?|mysql|redis|amqp|nats)[\w+]*)://"
    r"(?:(?P<user>[^:@\s/]*)(?::(?P<password>[^@\s/]*))?@)?"
    r"(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>\d+))?(?:/(?P<database>[\w.-]*))?(?![\w${])"
)
#: Go's driver of MySQL: `root:pw@tcp(localhost:3306)/notes`.
_GO_MYSQL = re.compile(
    r"(?P<user>[\w.-]+):(?P<password>[^@\s\"'`]*)@(?:tcp)?\((?P<host>[\w.-]+)(?::(?P<port>\d+))?\)"
    r"/(?P<database>[\w-]*)"
)
#: A login that is written out before a host that is not: `amqp://guest:guest@{host}:{port}/`.
_LOGIN_ALONE = re.compile(
    r"((?:postgres(?:ql)?|mysql|amqp)[\w+]*)://(?P<user>[\w.-]+):(?P<password>[\w.~!*+=,-]+)@"
    r"(?:\$?\{|%[svq]|$)"
)
#: Where Prisma looks by itself.
_PRISMA = re.compile(r"(?m)^[ \t]*url[ \t]*=[ \t]*\"([^\"\n]+)\"")
#: libpq: `host=localhost user=app password=pw dbname=notes`.
_WORDS = re.compile(r"\b(host|port|user|password|dbname)=([^\s\"'`$%{]+)")
_LITERAL = re.compile(r"\"([^\"\n]{0,300})\"|'([^'\n]{0,300})'|`([^`\n]{0,300})`")
#: A program's own object with a host, as its driver takes it.
_OBJECT = re.compile(r"\{[^{}]{0,800}\}")
_MEMBER = re.compile(
    r"(?m)(?:^|[{,])\s*['\"]?(\w+)['\"]?\s*[:=]\s*(?:['\"`]([^'\"`\n]*)['\"`]|(\d+))\s*(?=[,}\n])"
)
#: A name of Python's with a text or a number that no variable gives.
_CONSTANT = re.compile(
    r"(?m)^[ \t]*(?:[\w.]+\[['\"])?([A-Z][A-Z0-9_]*)(?:['\"]\])?[ \t]*(?::[ \t]*\w+[ \t]*)?=[ \t]*"
    r"(?:['\"]([^'\"\n]*)['\"]|(\d+))[ \t]*(?:#.*)?$"
)
#: The arguments before Sequelize's options: database, user, password.
_SEQUELIZE = re.compile(
    r"Sequelize\(\s*['\"]([\w-]+)['\"]\s*,\s*['\"]([\w-]+)['\"]\s*,\s*['\"]([^'\"\n]*)['\"]\s*,\s*$"
)
#: A broker's or cache's place alone, as its client takes it.
_PLACE = re.compile(r"([\w.-]+):(\d{4,5})")
#: What a file has that names a server in a text of its code.
_MAY_NAME = re.compile(r"://|@|host=|[\w.-]:\d{4,5}[\"'`]")
#: A program's own call with the parts of an address: `Connect("localhost", 5432, "me", "", "db")`.
_ARGUMENTS = re.compile(
    r"\(\s*(?:\w+,\s*)?['\"]([\w.-]+)['\"],\s*['\"]?(\d{4,5})['\"]?,\s*['\"]([\w.-]+)['\"],\s*"
    r"['\"]([^'\"\n]*)['\"],\s*['\"]([\w-]+)['\"]"
)
#: NATS's own name for its usual place.
_NATS_DEFAULT = re.compile(r"\bnats\.DefaultURL\b")
#: Clients of Redis that are told no place, and so look on this machine: `RedisSettings()`.
_REDIS_DEFAULT = re.compile(
    r"\b(?:RedisSettings|(?:Strict)?Redis)\((?P<python>[^()\n]{0,200})\)|"
    r"\bnew (?:IO)?Redis\((?P<node>[^()]{0,200})\)"
)
#: What tells one of them a place: a word that says so, a text, a value of the program's own.
_TELLS_PLACE = re.compile(
    r"(?i)host|port|url|path|sock|pool|dsn|\*\*|\.\.\.|['\"`]|"
    r"^[ \t\n]*(?:\*|(?!(?:\w+\s*=|\{))\w)"
)
#: A call of RabbitMQ's client for Python, or Dramatiq's broker, that names a host alone, or has it
#: of a variable; it then logs in as a guest.
_PIKA = re.compile(
    r"\b(?:ConnectionParameters|RabbitmqBroker)\(\s*(?:host\s*=\s*)?(?:['\"]([\w.-]+)['\"]|"
    r"[A-Za-z_][\w.]*(?:\([^()\n]{0,80}\)|\[[^\]\n]{0,60}\])?(?!\s*=))"
    r"(?:\s*,\s*(?:port\s*=\s*)?(\d+))?\s*,?\s*\)"
)
_GUEST = "guest"
#: What stands before a place that a client of Kafka is told, at whatever number it is.
_NEAR = 100
_OF_KAFKA = re.compile(
    r"(?:\bbootstrap[\w.-]{0,20}['\"]?\s{0,9}[=:]\s{0,9}\[?|\b[bB]rokers?['\"]?\s{0,9}[=:]\s{0,9}"
    r"(?:\[\]string\{|\[)?\s{0,9}|\[\]string\{\s{0,9}|\bkafka\.TCP\(\s{0,9})$"
)
#: What is read with its variable, or is a remark, where a place stands alone.
_OF_A_VARIABLE = re.compile(r"(?i)env|default|config\(|flag\.|^[ \t]*(#|//|\*)")
#: The same in Go, where a flag that nothing gives keeps its default.
_OF_A_VARIABLE_OF_GO = re.compile(r"(?i)env|setdefault|config\(|^[ \t]*(//|\*)")
#: Behind one of these a text is a default, which is read with its variable, or a remark.
_NOT_ITS_OWN = re.compile(r"(?i)env|default|config|^[ \t]*(#|//|\*)")


#: What stands before an address that a client is given: `broker="redis://localhost:6379/0"`.
_HANDED = re.compile(
    r"(?:\b(?:broker|backend|result_backend|broker_url)[ \t]*=|\bfrom_url\(|\b[cC]onnect\w*\(|"
    r"\bDial\(|\bnew (?:IO)?Redis\(|\bcreateClient\(\{\s*url:)[ \t]*$"
)
#: Code that people start by hand.
_BY_HAND = re.compile(r"(^|/)(?:scripts?|tools?|examples?|bench\w*|docs?)/")


class NamedServer(NamedTuple):
    """A server that a file names, and how the program logs in there; None: it does not say."""

    kind: str
    #: file:line, from the folder.
    place: str
    #: The container that it names; "": this machine.
    host: str = ""
    #: 0: the usual one.
    port: int = 0
    user: str | None = None
    password: str | None = None
    database: str = ""
    #: The login stands beside the address, so that one in the address does not count.
    apart: bool = False
    #: It says no place: that is a variable's.
    login_alone: bool = False
    #: Code hands it to a client as it stands, whatever variables say beside it.
    handed: bool = False
    #: It calls this machine as containers do.
    of_containers: bool = False


def named_servers(
    folder: Folder,
    hosts: Collection[str] = (),
    said: Collection[str] = (),
    *,
    elsewhere: bool = False,
) -> Iterator[NamedServer]:
    """Yield the servers that files of settings and code name by themselves.

    Args:
        hosts: names of containers; of all other hosts, those of this machine count alone.
        said: words of the command, and values that choose: where one of them is a file of settings,
            no other one counts.
        elsewhere: also those of other networks, which come last.
    """
    clients = servers.clients(folder)
    in_settings = _in_settings(folder, clients, said)
    found = [*in_settings, *_in_code(folder, clients), *_in_schemas(folder)]
    found = [_of_this_machine(one) for one in found]
    known = (one for one in found if one.host in _HERE or one.host in hosts)

    def rank(one: NamedServer) -> tuple[bool, int]:
        file = one.place.rpartition(":")[0]
        stem = posixpath.basename(file).partition(".")[2]
        is_chosen = file in said or bool({*_words_of(file)[1:]} & {*said})
        is_file = file in said  # it is read, and defaults of the code are not
        return bool(ELSEWHERE.search(file)) and not is_chosen, 0 if is_file else stem.count(".")

    for one in sorted(known, key=rank):
        yield one._replace(host="" if one.host in _HERE else one.host)
    yield from filter(is_elsewhere, found if elsewhere else ())


def _of_this_machine(one: NamedServer) -> NamedServer:
    """Take what containers call the machine that they run on for what it is."""
    is_so = OF_THIS_MACHINE.fullmatch(one.host)
    return one._replace(host="localhost", of_containers=True) if is_so else one


def is_elsewhere(named: NamedServer) -> bool:
    """Tell whether code names a server by a number of another network, as its author has it."""
    file = named.place.rpartition(":")[0]
    is_code = file.endswith(tuple(SOURCES)) and not ELSEWHERE.search(file)
    return is_code and is_of_private_network(named.host)


def _in_settings(
    folder: Folder, clients: frozenset[str], said: Collection[str]
) -> Iterator[NamedServer]:
    files = dict(contents(folder))
    named = {file: files[file] for file in files if file in said}
    files = named or files
    for file, content in files.items():
        if _is_beside_a_chosen(file, files, said):
            continue
        text = folder.read(file)
        for path, group in groups(content, ()):
            for key, value in group.items():
                if isinstance(value, str) and (one := _of_address(value)):
                    one = _with_login_beside(one, group, key)
                    yield one._replace(place=f"{file}:{_line(text, key, value)}")
            for key, stem in _host_keys(group):
                one = _of_group(path, group, key, stem, clients)
                if one is not None:
                    yield one._replace(place=f"{file}:{_line(text, key, str(group[key]))}")


def _is_beside_a_chosen(file: str, files: Collection[str], said: Collection[str]) -> bool:
    """Tell whether a word chooses another one of several files alike: config-docker.yml."""
    folder, (base, *marks) = posixpath.dirname(file), _words_of(file)
    alike = (f for f in files if posixpath.dirname(f) == folder and _words_of(f)[0] == base)
    chosen = [f for f in alike if {*_words_of(f)[1:]} & {*said}]
    return bool(chosen) and not {*marks} & {*said}


def _words_of(file: str) -> list[str]:
    return re.split(r"[-._]", posixpath.splitext(posixpath.basename(file))[0])


def _host_keys(group: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that hold a host, each with what the keys beside it begin with."""
    for key in group:
        for end in _HOSTS:
            stem = key[: len(key) - len(end)]
            parts = stem.endswith(("_", "-")) or key[len(stem) : len(stem) + 1].isupper()
            if key.lower().endswith(end) and (not stem or parts):
                yield key, stem
                break


def _of_group(
    path: tuple[str, ...],
    group: Mapping[str, Any],
    key: str,
    stem: str,
    clients: frozenset[str],
) -> NamedServer | None:
    """Read a group of settings: its host, and what stands beside it."""
    host, sign, number = str(group[key]).partition(":")
    if not re.fullmatch(r"[\w.-]*", host) or (not host and not port_number(number)):
        return None
    port = port_number(number) or port_number(_part(group, stem, _PORTS) or "")
    if sign and not port:
        return None
    server = _kind(path, group, stem, port, clients)
    if server is None:
        return None
    named = NamedServer(server.kind, "", host or "localhost", port)
    return named._replace(
        user=_part(group, stem, _USERS),
        password=_part(group, stem, _PASSWORDS),
        database=(_part(group, stem, _DATABASES) or "") if server.databases else "",
    )


def _part(group: Mapping[str, Any], stem: str, names: Collection[str]) -> str | None:
    """Read what stands beside a host; None for what is not there or is filled in elsewhere."""
    lower = {key.lower(): value for key, value in group.items()}
    for name in names:
        value = lower.get(f"{stem}{name}".lower())
        if value is not None and not re.search(r"\$\{|\$[A-Z]|<%|\{\{", str(value)):
            return str(value)
    return None


def _with_login_beside(one: NamedServer, group: Mapping[str, Any], key: str) -> NamedServer:
    """Take the login that stands beside an address without one: uri, user, password."""
    stem = re.sub(r"(?i)(?:ur[il]|dsn|address)$", "", key)
    user, password = _part(group, stem, _USERS), _part(group, stem, _PASSWORDS)
    if one.user or not (user and password):
        return one
    database = one.database or _part(group, stem, _DATABASES) or ""
    database = database if servers.of_kind(one.kind).databases else ""
    return one._replace(user=user, password=password, database=database, apart=True)


def _kind(
    path: tuple[str, ...],
    group: Mapping[str, Any],
    stem: str,
    port: int,
    clients: frozenset[str],
) -> servers.Server | None:
    """Tell which server a group of settings is about: by its driver, its name, or its port."""
    for key, value in group.items():
        if key.lower() in _KINDS and (server := servers.of_driver(str(value))):
            return server
    for step in (stem, *reversed(path[-2:])):
        name = re.sub(r"\W+", "_", f"{step.strip('_-')}_host").upper()
        if step and (known := servers.of_variable(name, clients)):
            return known[0]
    return next((server for server in servers.servers() if server.shows.port == port), None)


def _of_address(value: str) -> NamedServer | None:
    """Read a text that is the address of a server as a whole."""
    if "%" in value and re.search(r"%[svdq]", value):
        return None  # the code fills it in
    if match := _URL.search(value):
        server = servers.of_scheme(match[1])
        return _matched(server.kind, match) if server is not None else None
    if match := _GO_MYSQL.search(value):
        return _matched("mysql", match)
    said = dict(_WORDS.findall(value))
    if "host" in said and said.keys() & {"user", "dbname"}:
        return NamedServer(
            "postgres",
            "",
            said["host"],
            port_number(said.get("port", "")),
            said.get("user"),
            said.get("password"),
            said.get("dbname", ""),
        )
    return None


def _of_login(value: str) -> NamedServer | None:
    match = _LOGIN_ALONE.search(value)
    server = servers.of_scheme(match[1]) if match else None
    if match is None or server is None:
        return None
    return NamedServer(
        server.kind,
        "",
        "localhost",
        user=match["user"],
        password=match["password"],
        login_alone=True,
    )


def _matched(kind: str, match: re.Match[str]) -> NamedServer:
    user, password = (match[part] for part in ("user", "password"))
    return NamedServer(
        kind,
        "",
        match["host"],
        port_number(match["port"] or ""),
        unquote(user) if user else None,
        unquote(password) if password is not None else None,
        (match["database"] or "") if servers.of_kind(kind).databases else "",
    )


def _in_code(folder: Folder, clients: frozenset[str]) -> Iterator[NamedServer]:
    for file in folder.sources(*SOURCES):
        text = folder.read(file)
        for match in _LITERAL.finditer(text) if _MAY_NAME.search(text) else ():
            value = next(filter(None, match.groups()), "")
            place = _PLACE.fullmatch(value)
            if not place and "://" not in value and "@" not in value and "host=" not in value:
                continue
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            of_variables = _OF_A_VARIABLE_OF_GO if file.endswith(".go") else _OF_A_VARIABLE
            given = (of_variables if place else _NOT_ITS_OWN).search(line)
            whole = None if given or place else _of_login(value) or _of_address(value)
            alone = place and (_of_place(place, clients) or _of_kafka(text, match, place, clients))
            one = alone if place and not given else whole
            # A number of another network that stands alone may be an example in a remark.
            if one is not None and not (place and is_of_private_network(one.host)):
                handed = bool(_HANDED.search(line)) and not _BY_HAND.search(file)
                where = f"{file}:{line_of(text, match.start())}"
                yield one._replace(place=where, handed=handed)
        for match in _PIKA.finditer(text):
            where = f"{file}:{line_of(text, match.start())}"
            guest = NamedServer("rabbitmq", where, user=_GUEST, password=_GUEST)
            yield guest._replace(host=match[1] or "localhost", port=port_number(match[2] or ""))
        for match in _ARGUMENTS.finditer(text):
            if one := _of_arguments(match, clients):
                yield one._replace(place=f"{file}:{line_of(text, match.start())}")
        for match in _NATS_DEFAULT.finditer(text):
            yield NamedServer("nats", f"{file}:{line_of(text, match.start())}", "localhost")
        for match in _REDIS_DEFAULT.finditer(text) if "redis" in clients else ():
            said = match["node"] if match["python"] is None else match["python"]
            if not _TELLS_PLACE.search(said) and not is_comment(text, match.start()):
                yield NamedServer("redis", f"{file}:{line_of(text, match.start())}", "localhost")
        yield from _of_constants(file, text, clients) if file.endswith(".py") else ()
        yield from _of_calls(file, text, clients) if file.endswith(".py") else ()
        for match in _OBJECT.finditer(text):
            if one := _of_object(text, match, clients):
                at = re.search(r"(?i)host|server", match[0])
                start = match.start() + (at.start() if at else 0)
                yield one._replace(place=f"{posixpath.normpath(file)}:{line_of(text, start)}")


def _of_calls(file: str, text: str, clients: frozenset[str]) -> Iterator[NamedServer]:
    """Read what clients for Python are told by keywords, where the program has their library."""
    for call in python_calls.calls(text):
        place = _PLACE.fullmatch(f"{call.told['host']}:{call.told.get('port')}")
        at_port = _of_place(place, clients)
        kind = call.kind or (at_port.kind if at_port else "")
        one = _of_group((kind,), call.told, "host", "", clients) if kind in clients else None
        if one is not None:
            yield one._replace(place=f"{file}:{line_of(text, call.position)}")


def _of_constants(file: str, text: str, clients: frozenset[str]) -> Iterator[NamedServer]:
    """Read hosts and ports that a module of Python has under names of its own: REDIS_HOST."""
    group = {name: value or number for name, value, number in _CONSTANT.findall(text)}
    for key, stem in _host_keys(group):
        one = _of_group((), group, key, stem, clients) if stem else None
        if one is not None and one.kind in clients:
            yield one._replace(place=f"{file}:{_line(text, key, group[key])}")


def _in_schemas(folder: Folder) -> Iterator[NamedServer]:
    """Read the addresses that schemas of Prisma have, where they name no variable."""
    for file in folder.sources(".prisma"):
        text = folder.read(file)
        for match in _PRISMA.finditer(text):
            if one := _of_address(match[1]):
                place = posixpath.normpath(file)
                yield one._replace(place=f"{place}:{line_of(text, match.start(1))}")


def _of_place(match: re.Match[str] | None, clients: frozenset[str]) -> NamedServer | None:
    """Read a host and a port that stand alone: by the usual port of a server that it speaks to."""
    port = port_number(match[2]) if match else 0
    known = [s for s in servers.servers() if s.kind in clients and s.shows.port == port]
    return NamedServer(known[0].kind, "", match[1], port) if match and known else None


def _of_kafka(
    text: str, literal: re.Match[str], place: re.Match[str], clients: frozenset[str]
) -> NamedServer | None:
    """Read a place that a client of Kafka is told, whatever number it has."""
    before = text[max(0, literal.start() - _NEAR) : literal.start()]
    is_told = "kafka" in clients and _OF_KAFKA.search(before)
    is_its = is_told and re.search(r"(?i)kafka|sarama", text)
    return NamedServer("kafka", "", place[1], port_number(place[2])) if is_its else None


def _of_arguments(match: re.Match[str], clients: frozenset[str]) -> NamedServer | None:
    """Read the parts of an address that stand one behind the other, by a database's usual port."""
    host, port, user, password, database = match.groups()
    one = _of_place(re.fullmatch(_PLACE, f"{host}:{port}"), clients)
    if one is None or not servers.of_kind(one.kind).databases:
        return None
    return one._replace(user=user, password=password, database=database)


def _of_object(text: str, match: re.Match[str], clients: frozenset[str]) -> NamedServer | None:
    """Read the object that a driver is given, in a program's code."""
    group = {name: value or number for name, value, number in _MEMBER.findall(match[0])}
    key = next((key for key, stem in _host_keys(group) if not stem), "")
    before = text[max(0, match.start() - 200) : match.start()]
    is_driven = any(name.lower() in _KINDS for name in group)
    at_port = _of_place(_PLACE.fullmatch(f"{group.get(key)}:{group.get('port')}"), clients)
    is_driven = is_driven or bool(re.search(r"(?i)mysql|pool\(|client\(|createc", before))
    if not key or not (is_driven or at_port):
        return None
    databases = [s for s in servers.servers() if s.databases and s.seeds and s.kind in clients]
    path = (databases[0].kind,) if len(databases) == 1 else ()
    path = (at_port.kind,) if at_port is not None else path
    one = _of_group(path, group, key, "", clients)
    said = _SEQUELIZE.search(before)
    if one is not None and said is not None:
        one = one._replace(database=said[1], user=said[2], password=said[3])
    return one


def _line(text: str, key: str, value: str) -> int:
    match = re.search(rf"(?m){re.escape(key)}[\"']?\s*[:=]\s*[\"']?{re.escape(value)}", text)
    return line_of(text, match.start()) if match else 1
