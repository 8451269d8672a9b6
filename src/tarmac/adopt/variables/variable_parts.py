"""Gives the other parts of an address whose host a variable refers to: its port, login, database.

`settle` asks, when it is known what the variables of a program refer to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service, Store, port_number
from tarmac.adopt.survey.scene import Scene

#: A reference to a server without a login, as Java's addresses have it, and what brings the login.
_BARE = re.compile(r"(?:jdbc|r2dbc):[\w:+]+//\$\{stores\.([a-z0-9-]+)\.(?:host|address)\}")
_LOGIN = {"USERNAME": "user", "USER": "user", "PASSWORD": "password"}


@dataclass(frozen=True)
class _Host:
    """A variable that refers to a host."""

    variable: str
    #: How the names of the other parts of its address begin.
    stem: str
    #: What a reference begins with.
    root: str
    #: None: it is a service's.
    store: Store | None
    is_broker: bool
    #: The numbers that the service listens at besides those that others know it by.
    aside: frozenset[str] = frozenset()


def parts_by_prefix(env: Mapping[str, str], scene: Scene) -> dict[str, str]:
    """Give the other parts of an address whose host is a reference: DB_HOST brings DB_USER."""
    found: dict[str, str] = {}
    for name, value in env.items():
        if (host := _host(name, value, scene)) is not None:
            own = _of_its_database(host, env, scene)
            if own is not host:
                found[name] = value.replace(host.root, own.root)
            found |= dict(_by_name(own, env))
            found = {**dict(_by_value(own, env, _hosts_of_others(host, env, scene))), **found}
    return {**dict(_databases(env, scene)), **found}


def _databases(env: Mapping[str, str], scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield the variables with the name of a database that stands apart from its address.

    Here it may be another one: a container's may have signs that no name has.
    """
    for store in scene.stores.values():
        is_used = any(f"${{stores.{store.name}." in value for value in env.values())
        for name, value in env.items() if is_used and store.database else ():
            if value == store.database and re.search(r"(?:DB|DATABASE)_?NAME$", name.upper()):
                yield name, servers.reference(store.name, "database")


def logins(env: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Give the logins that stand beside an address which has none: DB_URL brings DB_USERNAME.

    Args:
        names: the variables that the program reads.
    """
    found: dict[str, str] = {}
    for name, value in env.items():
        address = _BARE.match(value)
        stem = re.fullmatch(r"(.*_)(?:JDBC_)?UR[LI]", name)
        if address is None or stem is None:
            continue
        for end, output in _LOGIN.items():
            if f"{stem[1]}{end}" in names or f"{stem[1]}{end}" in env:
                found[f"{stem[1]}{end}"] = f"${{stores.{address[1]}.{output}}}"
    return found


def _of_its_database(host: _Host, env: Mapping[str, str], scene: Scene) -> _Host:
    """Take the store of the database that the host's variables name beside it."""
    if host.store is None or not servers.of_kind(host.store.kind).seeds:
        return host
    names = (f"{host.stem}{end}" for end in ("NAME", "DATABASE", "DB", "DBNAME"))
    database = next((env[name] for name in names if env.get(name)), "")
    store = scene.with_database(host.store, database)
    return host if store is host.store else replace(host, store=store, root=f"stores.{store.name}")


def _host(name: str, value: str, scene: Scene) -> _Host | None:
    match = re.fullmatch(
        r"\$\{(?:(stores|services)\.([a-z0-9-]+)|(broker))\.(?:host|address|endpoint)\}", value
    )
    stem = re.match(r"(?i)(.*?)(HOST|HOSTNAME|SERVER|ENDPOINT|ENDPOINT_URL)$", name)
    stem = stem or re.match(r"(?i)(.+_)(UR[LI]|ADDR|ADDRESS)$", name)
    if not match or not stem:
        return None
    if match[3]:
        return _Host(name, stem[1], match[3], scene.broker, is_broker=True)
    store = scene.stores.get(match[2]) if match[1] == "stores" else None
    aside = _aside(scene.services[match[2]]) if match[2] in scene.services else frozenset()
    return _Host(name, stem[1], f"{match[1]}.{match[2]}", store, is_broker=False, aside=aside)


def _aside(service: Service) -> frozenset[str]:
    """List the numbers of ports that a service is told, and others do not know it by."""
    known = {*map(str, (*service.ports.values(), *service.known_as))}
    told = {value for name, value in service.env.items() if name.upper().endswith("_PORT")}
    return frozenset(value for value in told - known if port_number(value))


def _by_name(host: _Host, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parts whose variables are named as the host's is."""
    of_host = ("url", "address", "host", "endpoint")
    parts = servers.parts_of(host.store.kind) if host.store is not None else servers.PARTS
    for other in env:
        if not other.startswith(host.stem) or other == host.variable:
            continue
        output = parts.get(other.removeprefix(host.stem).upper(), "")
        if host.root.startswith("services.") and (output != "port" or env[other] in host.aside):
            continue
        if output == "database" and host.store and not servers.of_kind(host.store.kind).databases:
            continue  # a number of Redis, the name of a queue: they are the program's
        if output and output not in of_host:
            yield other, f"${{{host.root}.{output}}}"


def _hosts_of_others(host: _Host, env: Mapping[str, str], scene: Scene) -> tuple[str, ...]:
    """List how the variables of the other servers begin that the program is told a host of."""
    known = (_host(name, value, scene) for name, value in env.items())
    return tuple(one.stem for one in known if one and one.stem and one.root != host.root)


def _by_value(
    host: _Host, env: Mapping[str, str], others: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the parts whose variables hold what the store was started with.

    Args:
        others: how variables begin that are another server's, which may have the same login.
    """
    if (store := host.store) is None:
        return
    parts = (
        ("user", store.user, r"USER"),
        ("password", store.password, r"PASS|PWD"),
        ("database", store.database or store.user, r"(?:DB|DATABASE)(?:_?NAME)?$"),
    )
    for other, text in env.items():
        is_anothers = other.startswith(others) and not (host.stem and other.startswith(host.stem))
        for output, own, named in parts if not is_anothers else ():
            if text and text == own and re.search(named, other.upper()):
                yield other, f"${{{host.root}.{output}}}"
