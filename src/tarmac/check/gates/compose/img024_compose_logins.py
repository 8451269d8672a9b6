"""Databases of a Compose file start, have what is asked of them, and their data to themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import is_server
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_POSTGRES = re.compile(
    r"(docker\.io/)?(library/)?(postgres|postgis/postgis|timescale/timescaledb)(:.*|@.*)?"
)
_SERVERS = re.compile(
    r"(docker\.io/)?(library/|bitnami/)?(postgres|postgresql|mysql|mariadb|mongo|redis|valkey)(:.*|@.*)?"
)
_REDIS = re.compile(r"(docker\.io/)?(library/|valkey/)?(redis|valkey)(:.*|@.*)?")
_HOST = r"://([^\s/]*?)([a-z][\w.-]*)(?::\d+)?"
_DATABASE = re.compile(rf"\bpostgres(?:ql)?(?:\+\w+)?{_HOST}/([\w-]+)(?=$|[?\s\"'])")
_CACHE = re.compile(rf"\brediss?{_HOST}(?=$|[/?\s\"'])")
_MONGO = re.compile(r"(docker\.io/)?(library/)?mongo(:.*|@.*)?")
_USER = re.compile(r"\bmongodb://([^\s:/@]+):[^\s/@]*@([a-z][\w.-]*)(?::\d+)?/([\w-]+)(\?\S*)?")
#: Servers of searches that ask for TLS and a password, from this major version on.
_SEARCH = re.compile(
    r"(?:docker\.io/)?(?:(?:library/|docker\.elastic\.co/elasticsearch/)?(elasticsearch)"
    r"|opensearchproject/(opensearch)):(\d+)\.\S*"
)
_PLAIN = re.compile(rf"\bhttp{_HOST}(?=$|[/,?\s\"'])")
_SECURITY = re.compile(r"(?i)(xpack[._]security|plugins[._]security|disable_security|demo_config)")
_VOLUME = re.compile(r"([a-zA-Z0-9][\w.-]*):(/[^:]*)(:.*)?")
#: What images of databases start as their server.
_PROGRAMS = ("postgres", "mysqld", "mariadbd", "mongod", "redis-server", "valkey-server")
_OWN_PASSWORD = re.compile(r"(?i)(redis|valkey|cache)\w*pass|pass\w*(redis|valkey|cache)")
_PASSWORDS = ("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD")


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that do not start, do not have what is asked for, or share their data."""
    for beside in compose_files(files):
        if not beside.is_whole:
            continue
        others = {one.name: one for one in beside.services if not one.settings.is_open}
        for service in beside.services:
            faults = (*_passwords(service), *_asked(service, others), *_taken(service, others))
            for place, what in faults:
                yield Finding(service.at(*place), f"service {service.name} {what}")
        yield from _shared(beside)


Fault = tuple[tuple[str | int, ...], str]


def _passwords(service: ComposeService) -> Iterator[Fault]:
    runs = _POSTGRES.fullmatch(service.image or "") and is_server(service, _PROGRAMS)
    is_open = service.settings.is_open or not service.environment
    if runs and not is_open and service.variables.isdisjoint(_PASSWORDS):
        what = "has no POSTGRES_PASSWORD, without which its image does not start on an empty volume"
        yield ("environment",), f"{what}; set it, or POSTGRES_PASSWORD_FILE"


def _asked(service: ComposeService, others: Mapping[str, ComposeService]) -> Iterator[Fault]:
    """Yield addresses of a database that its server does not make, or without its password."""
    # Some clients are given the password by a variable of its own.
    is_told = any(_OWN_PASSWORD.search(name) for name in service.variables)
    for path, text in service.texts:
        for _, host, name in _DATABASE.findall(text):
            made = _made(others[host]) if host in others else set()
            if made and name not in made:
                what = f"asks {host} for the database {name}, and {host} makes"
                yield path, f"{what} {', '.join(sorted(made))} only; write one name in both"
        for login, host in _CACHE.findall(text):
            server = others.get(host)
            is_cache = server is not None and _REDIS.fullmatch(server.image or "")
            asks = server is not None and "--requirepass" in str(dig(server.data, "command"))
            if is_cache and asks and "@" not in login and not is_told:
                what = f"calls {host} without a password, which {host} asks for (--requirepass)"
                yield path, f"{what}; write redis://:PASSWORD@{host}"


def _taken(service: ComposeService, others: Mapping[str, ComposeService]) -> Iterator[Fault]:
    """Yield addresses by a user that is elsewhere, or without the TLS that a server asks for."""
    for path, text in service.texts:
        for user, host, name, options in _USER.findall(text):
            server = others.get(host)
            is_made = server is not None and _MONGO.fullmatch(server.image or "")
            if server is None or not is_made or name == "admin" or "authSource" in options:
                continue
            root = server.environment.get("MONGO_INITDB_ROOT_USERNAME")
            starts = any("initdb" in str(one) for one in listed(dig(server.data, "volumes")))
            if user == root and not starts:
                what = f"logs in to {host} as {user}, which its image makes in the database admin,"
                yield path, f"{what} and not in {name}: no login passes; add ?authSource=admin"
        for _, host in _PLAIN.findall(text):
            if host in others and (kind := _asks_tls(others[host])):
                what = (
                    f"calls {host} by http, and {kind} turns on TLS and passwords by itself: each"
                )
                yield path, f"{what} request fails; call it by https, or turn that off there"


def _asks_tls(server: ComposeService) -> str:
    """Name the version that a server is where it asks for TLS; "" where it is told otherwise."""
    found = _SEARCH.fullmatch(server.image or "")
    told = " ".join((*server.variables, str(dig(server.data, "command")), *server.mounted))
    is_told = _SECURITY.search(told) or re.search(r"\.ya?ml\b|/config\b", told)
    # With these it is one of several, which are set up by hand.
    several = {"cluster.initial_master_nodes", "discovery.seed_hosts"} & server.variables
    if not found or is_told or several or dig(server.data, "entrypoint"):
        return ""
    name, major = found[1] or found[2], int(found[3])
    return f"{name} {major}" if major >= (8 if found[1] else 1) else ""


def _made(server: ComposeService) -> set[str]:
    """List the databases that a server of PostgreSQL makes; none where that is not known."""
    own = server.environment
    starts = any("initdb" in str(one) for one in listed(dig(server.data, "volumes")))
    if not _POSTGRES.fullmatch(server.image or "") or starts:
        return set()
    made = own.get("POSTGRES_DB") or own.get("POSTGRES_USER") or "postgres"
    return set() if "$" in made else {made, "postgres"}


def _shared(beside: ComposeFiles) -> Iterator[Finding]:
    """Yield volumes to which two servers of databases write."""
    users: dict[str, ComposeService] = {}
    for service in beside.services:
        if not _SERVERS.fullmatch(service.image or "") or not is_server(service, _PROGRAMS):
            continue
        for number, entry in enumerate(listed(dig(service.data, "volumes"))):
            found = _VOLUME.fullmatch(mount(entry))
            if not found or found[3] == ":ro" or "/docker-entrypoint" in found[2]:
                continue
            # Beside the volume of its data, one of certificates may be of all.
            if not _has_elsewhere(service, found[2]):
                first = users.setdefault(f"{found[1]} {found[2]}", service)
                if first.name != service.name:
                    what = (
                        f"service {service.name} writes to the volume {found[1]}, as {first.name}"
                    )
                    advice = "does: two servers destroy each other's data; give each its own"
                    yield Finding(service.at("volumes", number), f"{what} {advice}")


def _has_elsewhere(service: ComposeService, path: str) -> bool:
    """Tell whether a store has its data in another volume than the one at a path."""
    name = str(service.image).rpartition("/")[2].partition(":")[0]
    store = published("compose")["stores"].get(name)
    known = [one["path"] for one in store["data"]] if store else []
    data = [one for one in map(_bare, service.mounted) if any(_holds(one, at) for at in known)]
    return bool(data) and _bare(path) not in data


def _bare(path: str) -> str:
    return path.rstrip("/")


def _holds(path: str, data: str) -> bool:
    return f"{data}/".startswith(f"{path}/") or f"{path}/".startswith(f"{data}/")


def _judged(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        yield from (one for one in beside.services if _is_judged(one))


def _is_judged(service: ComposeService) -> bool:
    image = service.image or ""
    return bool(_SERVERS.fullmatch(image) or _SEARCH.fullmatch(image))


GATE = Gate(
    id="IMG024",
    title="Databases of Compose files start, and have what is asked of them",
    phase="containers",
    source="https://hub.docker.com/_/postgres: POSTGRES_PASSWORD is required, POSTGRES_DB is made",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("databases", _judged),
    targets=("compose",),
    reads="variables, commands and volumes of databases whose image is a usual one, beside the "
    "addresses in other services' variables; not what an env_file or a script of the image may "
    "set.",
)
