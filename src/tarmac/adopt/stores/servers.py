"""Servers that code bases use: by which images, addresses, libraries and variables one knows them.

Each store kind, in `catalog/stores/`, says by what it shows; a host of no kind is an unknown one.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from tarmac.adopt.containers.container import base_image
from tarmac.adopt.survey.found import Folder
from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import Fingerprint, StoreKind


@dataclass(frozen=True)
class Server:
    """A server of one kind, as it shows in other people's files."""

    #: The store kind that it is here.
    kind: str
    broker: bool
    #: It offers a database's name.
    databases: bool
    #: A file of SQL can be loaded into it.
    seeds: bool
    #: Its containers need no password by default.
    passwordless: bool
    #: The name of its administrator here, and whether a program may log in as that.
    admin: str
    lends_admin: bool
    #: A user may have an empty password.
    empty_passwords: bool
    #: Its own client for a terminal; "" for none.
    client: str
    shows: Fingerprint


@cache
def servers() -> tuple[Server, ...]:
    """List the servers of those kinds that say how they show."""
    kinds: list[StoreKind] = list(registry.load(stores, "STORE").values())
    return tuple(
        Server(
            kind.id,
            kind.broker,
            databases="database" in kind.outputs,
            seeds=kind.loads_sql,
            passwordless=bool(kind.passwordless),
            admin=kind.admin,
            lends_admin=kind.lends_admin,
            empty_passwords=kind.empty_passwords,
            client=kind.shell.programs[0] if kind.shell else "",
            shows=kind.fingerprint,
        )
        for kind in kinds
        if kind.fingerprint is not None
    )


def told(server: Server, env: Mapping[str, str], *ends: str) -> str:
    """Read what a container's variables give its server for a start; "" where they give nothing.

    Args:
        ends: how such a variable may end.
    """
    names = (f"{begin}{end}" for begin in server.shows.first for end in ends)
    return next((env[name] for name in names if env.get(name)), "")


def of_kind(kind: str) -> Server:
    """Find the server of a kind that one of these functions named."""
    return next(server for server in servers() if server.kind == kind)


def http_output(kind: str) -> str:
    """Name the output of a kind that an HTTP client is given; "" where it speaks no HTTP."""
    for server in servers():
        if server.kind == kind:
            parts = server.shows.parts.values()
            return next((name for name in ("endpoint", "url") if name in parts), "")
    return ""


def parts_of(kind: str) -> dict[str, str]:
    """List what variables of a kind's servers hold, by the end of their names."""
    return {**PARTS, **of_kind(kind).shows.parts}


#: Variable endings for the parts of an address -> the output that every store of that kind has.
PARTS = {
    "URL": "url",
    "URI": "url",
    "URIS": "url",
    "DSN": "url",
    "CONNECTION_STRING": "url",
    "HOST": "host",
    "HOSTNAME": "host",
    "SERVER": "host",
    "PORT": "port",
    "PORT_NUMBER": "port",
    "USER": "user",
    "USERNAME": "user",
    "PASSWORD": "password",
    "PASS": "password",
    "PWD": "password",
    "PW": "password",
    "DATABASE": "database",
    "DBNAME": "database",
    "DATABASE_NAME": "database",
    "DB": "database",
    "NAME": "database",
    "ADDR": "address",
    "ADDRESS": "address",
    "ADDRESSES": "address",
}
#: Where a program lists its libraries.
_DEPENDENCIES = (
    *("package.json", "pyproject.toml", "requirements.txt", "Pipfile", "go.mod", "pom.xml"),
    *("build.gradle", "build.gradle.kts", "Cargo.toml", "Gemfile", "composer.json", "mix.exs"),
)

#: Further lists of packages of Python, in a folder of theirs: requirements/base.txt.
PACKAGES = re.compile(r"requirements/[\w.-]+\.(?:txt|in)|requirements[-_][\w.-]+\.(?:txt|in)")
#: Ends of files that say as much: a project's, and the one that says which database Prisma asks.
_LISTS = (".csproj", ".prisma")


def ports() -> frozenset[int]:
    """List where the images of these servers listen."""
    return frozenset(server.shows.port for server in servers())


#: What the names of images say of their base or edition, beside the server that they hold.
_PLAIN = re.compile(
    r"^(?:(?:alpine|debian|ubuntu|docker|my|dev|local)[-_])+|"
    r"(?:[-_](?:alpine|debian|docker|server|community|enterprise|single|standalone|dev|local))+$"
)


def of_image(image: str) -> Server | None:
    """Find the server that an image holds: `bitnami/postgresql:16` is PostgreSQL."""
    name = name_of(image)
    found = next((server for server in servers() if name in server.shows.images), None)
    if found is None:  # another's image of the same server: `alpine-mongo`
        plain = _PLAIN.sub("", name)
        found = next((server for server in servers() if plain in server.shows.images), None)
    return found


def of_own_image(image: str, own: str) -> Server | None:
    """Find the server of an image of others' making: `aleph-elasticsearch` of `elasticsearch`.

    Both an end of the image's name and the service's own one name the same server; a program that
    looks after a server has another name.
    """
    words = name_of(image).split("-")
    service = own.replace("_", "-").split("-")[-1]
    for server in servers():
        if words[-1] in server.shows.images and words[-1] == service:
            return server
        if words[0] in server.shows.images and service in server.shows.images:  # `valkey-cell`
            return server
    return None


def built(root: Folder) -> dict[str, tuple[str, str]]:
    """List the images that are made of a server's: by their folders' names, base and folder."""
    places = [file.rpartition("/")[0] for file in root.files if file.endswith("/Dockerfile")]
    bases = {place: base_image(root.read(f"{place}/Dockerfile"))[0] for place in places}
    return {
        place.rpartition("/")[2]: (base, place)
        for place, base in bases.items()
        if of_image(base) is not None
    }


def name_of(image: str) -> str:
    """Read an image's own name: `registry/bitnami/postgresql:16@sha256:...` is postgresql."""
    return image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].split(":", maxsplit=1)[0]


def version_of(image: str) -> str:
    """Read the version off an image's tag: `16-alpine` is 16, `latest` is none.

    A fork's own numbers say nothing: MariaDB's 11 is not a version of MySQL.
    """
    server = of_image(image)
    if server is not None and server.shows.numbered and name_of(image) not in server.shows.numbered:
        return ""
    tag = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].partition(":")[2]
    match = re.match(r"(?:v|pg)?(\d+(?:\.\d+)?)(?:[.-]|$)", tag)
    return match[1] if match else ""


def of_scheme(scheme: str) -> Server | None:
    """Find the server behind an address: `postgresql+asyncpg` and `jdbc:postgresql` included.

    Celery puts `db+` before that of a database that keeps its results.
    """
    plain = scheme.removeprefix("jdbc:").removeprefix("db+").split("+")[0]
    return next(
        (
            server
            for server in servers()
            if plain in (*server.shows.schemes, *server.shows.own_schemes)
        ),
        None,
    )


def of_variable(name: str, clients: frozenset[str]) -> tuple[Server, str] | None:
    """Tell which server's address, or which part of it, a variable holds by its name."""
    name = name.upper()
    for server in servers():
        stems = (*server.shows.stems, *(server.shows.vague if server.kind in clients else ()))
        for stem in sorted(stems, key=len, reverse=True):
            rest = name.removeprefix(stem).removeprefix("_") if name.startswith(stem) else None
            if name == stem and stem != "EMAIL":  # that is a person's address
                rest = "URL"
            if rest is not None and stem in server.shows.stems:
                rest = _far(stem, rest)
            output = parts_of(server.kind).get(rest) if rest is not None else None
            if output == "database" and not server.databases:
                continue
            if output is not None:
                return server, output
    return _of_its_only_database(name, clients)


#: What variables call the place of a database, whichever that is.
_OF_ANY = re.compile(r"(?:DATABASE|DB)_(URL|URI|HOST|HOSTNAME|PORT)")


def _of_its_only_database(name: str, clients: frozenset[str]) -> tuple[Server, str] | None:
    """Take DB_HOST for the place of the one database that a program has a library for."""
    match = _OF_ANY.fullmatch(name)
    databases = [s for s in servers() if s.shows.path_is_database and s.kind in clients]
    output = parts_of(databases[0].kind).get(match[1]) if match and len(databases) == 1 else None
    return (databases[0], output) if output is not None else None


#: Parts of an address that a name still says when words stand before: REDIS_CACHE_HOST.
_FAR_PARTS = re.compile(
    r"(?:[A-Z0-9]+_)+(HOST|HOSTNAME|PORT|URL|URI|ADDR|PASSWORD|BOOTSTRAP_SERVERS|BROKERS)"
)
#: Words that make another thing of it.
_NOT_AN_ADDRESS = re.compile(
    r"SENTINEL|CLUSTER|EXPORTER|METRICS|POOL|PROXY|REPLICA|READ|WEB|UI|API|MANAGEMENT|MGMT"
)
#: Servers that have a host and a password, too.
_OF_NO_DATABASE = re.compile(
    r"SMTP|MAIL|IMAP|LDAP|FTP|SSH|PROXY|REDIS|RABBIT|AMQP|KAFKA|NATS|MQTT|(?:^|_)MQ_|BROKER|QUEUE"
)
#: Ends of the names of a database's parts, in a group that begins alike.
_GROUPED = {"host": ("HOST", "HOSTNAME", "SERVER"), "password": ("PASSWORD", "PASS", "PWD")}


def of_group(
    name: str, names: frozenset[str], clients: frozenset[str]
) -> tuple[Server, str] | None:
    """Tell which database a variable of a group is about: host and password begin alike.

    Args:
        name: the variable.
        names: all variables of the program.
        clients: the kinds of servers that it has a library for.
    """
    databases = [s for s in servers() if s.databases and s.seeds and s.kind in clients]
    if len(databases) != 1:
        return None
    for end, output in sorted(PARTS.items(), key=lambda part: -len(part[0])):
        stem = name.removesuffix(end)
        if stem == name or not stem.endswith(("_", "_DB")) or _OF_NO_DATABASE.search(stem):
            continue
        if all(any(f"{stem}{last}" in names for last in ends) for ends in _GROUPED.values()):
            return databases[0], output
    return None


def _far(stem: str, rest: str) -> str:
    """Read the part that a name ends in, where other words stand between it and the server's."""
    match = _FAR_PARTS.fullmatch(rest)
    return match[1] if match and len(stem) > 3 and not _NOT_AN_ADDRESS.search(rest) else rest


def clients(folder: Folder) -> frozenset[str]:
    """Tell by a program's libraries which servers it speaks to."""
    text = libraries(folder)
    if not text:  # no list of dependencies: its imports are one
        text = "\n".join(map(_imports, map(folder.read, folder.sources(".py", ".js", ".go"))))
    found = _clients_in(text)
    direct = _clients_in(_INDIRECT.sub("", text)) if "go.mod" in folder.files else found
    databases = {server.kind for server in servers() if server.databases and server.seeds}
    return direct | (found - databases) if direct & databases else found


def _clients_in(text: str) -> frozenset[str]:
    return frozenset(
        server.kind for server in servers() if re.search(server.shows.clients, text, re.IGNORECASE)
    )


#: What drivers of databases are called, where that differs from every scheme of an address.
_DRIVERS = {"pg": "postgres", "pgx": "postgres", "pgsql": "postgres", "psycopg": "postgres"}
_DRIVERS |= {"mysql2": "mysql", "mariadb": "mysql", "pymysql": "mysql", "mongo": "mongodb"}
#: Names of variables that choose a database's driver.
CHOOSES = re.compile(r"(?:^|_)(?:TYPE|CONNECTION|DIALECT|DRIVER|CLIENT|ENGINE|ADAPTER)$")


def of_driver(name: str) -> Server | None:
    """Find the server that a driver or dialect is for: `pgx`, `mysql2`, `postgresql+asyncpg`."""
    plain = name.strip().lower()
    kind = _DRIVERS.get(plain, "")
    found = next((server for server in servers() if kind and server.kind == kind), None)
    return found or of_scheme(plain)


def chosen(
    clients: frozenset[str], values: Mapping[str, str], there: Iterable[str] = ()
) -> frozenset[str]:
    """Leave out the databases beside the one that a program of several is told to use.

    Args:
        clients: the kinds that it has a library for.
        values: its variables.
        there: the kinds of the stores that the system has, which count where no variable tells.
    """
    databases = {server.kind for server in servers() if server.databases and server.seeds}
    said = (of_driver(value) for name, value in values.items() if CHOOSES.search(name))
    kinds = {server.kind for server in said if server} & databases
    kinds = kinds or {*there} & databases
    own = kinds & clients
    return clients - databases | own if len(own) == 1 else clients


def libraries(folder: Folder) -> str:
    """Join what a program's own files say of its libraries."""
    own = [f for f in folder.files if "/" not in f or f.startswith("../")]
    listing = [file for file in own if posixpath.basename(file) in _DEPENDENCIES]
    listing += [file for file in folder.files if file.endswith(_LISTS) or PACKAGES.fullmatch(file)]
    # Laravel needs no library for its database: a variable says which one it is.
    listing += [".env.example"] if "artisan" in folder.files else []
    listing += _of_python_above(folder, listing)
    return "\n".join(map(folder.read, listing))


#: A module of Go that others bring along, and no file of the program's own imports.
_INDIRECT = re.compile(r"(?m)^[^\n]*//[ \t]*indirect[ \t]*$\n?")


#: Files that list the packages of a Python program.
_OF_PYTHON = ("pyproject.toml", "Pipfile", "requirements.txt", "setup.py", "setup.cfg")


def _of_python_above(folder: Folder, own: Iterable[str]) -> list[str]:
    """Find the list above a Python program that has none of its own: it installs that one."""
    has_one = any(PACKAGES.fullmatch(f) or posixpath.basename(f) in _OF_PYTHON for f in own)
    if has_one or not any(folder.sources(".py")):
        return []
    above = (folder.upwards(name) for name in ("requirements.txt", "pyproject.toml", "Pipfile"))
    return [*filter(None, above)][:1]


#: A version of SQLAlchemy before the one that takes another driver for PostgreSQL by default: 2.1.
_BEFORE_ANOTHER_DRIVER = re.compile(
    r"==|~=[ \t]*(?:1\.|2\.\d+\.)|<=?[ \t]*(?:[01](?![\d])|2(?:\.[01])?(?:\.0)?(?![\d.]))"
)


def named_driver(scheme: str, folder: Folder) -> str:
    """Return the scheme that names a program's driver to SQLAlchemy; "" where none needs naming.

    Args:
        scheme: the one that a file gives; with a `+`, it names a driver itself.
    """
    server = of_scheme(scheme)
    if server is None or "+" in scheme or not server.shows.drivers:
        return ""
    pattern = r"(?m)^[ \t]*([A-Za-z][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*([=<>~!].*)?$"
    listed = re.findall(pattern, _listed(folder))
    names = {name.lower().replace("_", "-"): version for name, version in listed}
    asks = names.keys() & {"sqlalchemy", "flask-sqlalchemy", "sqlmodel", "alembic"}
    is_held = _BEFORE_ANOTHER_DRIVER.search(names.get("sqlalchemy", ""))
    if not asks or is_held or names.keys() & {"psycopg", "databases", "django"}:
        return ""
    return next((said for name, said in server.shows.drivers.items() if name in names), "")


def _listed(folder: Folder) -> str:
    """Read a program's plain list of packages, where no lock says which versions it gets."""
    if any(folder.upwards(lock) for lock in ("uv.lock", "poetry.lock", "Pipfile")):
        return ""
    file = folder.upwards("requirements.txt")
    return folder.read(file) if file else "\n".join(_of_project(folder))


def _of_project(folder: Folder) -> list[str]:
    """List the packages of a project's own file, one as a list of pip's has it."""
    project = (folder.mapping("pyproject.toml", tomllib.loads) or {}).get("project")
    listed = project.get("dependencies") if isinstance(project, dict) else None
    return [str(one) for one in listed] if isinstance(listed, list) else []


def _imports(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "import" in line or "require" in line)


def reference(store: str, output: str, *, broker: bool = False) -> str:
    """Write the reference to a store's output."""
    root = "broker" if broker else f"stores.{store}"
    return f"${{{root}.{output}}}"
