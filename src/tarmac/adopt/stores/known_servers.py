"""Has stores answer where a program looks for them by itself: at its port, with its login.

`settle` asks, when it is known what the program's variables say. What cannot be had so is left to
do: a host that is elsewhere, a login that no store of the kind takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tarmac.adopt.stores import servers
from tarmac.adopt.stores.named_servers import NamedServer, is_elsewhere, named_servers
from tarmac.adopt.survey.found import MIGRATE, Folder, KnownPlace, Service, Store, valid_name
from tarmac.adopt.survey.scene import Scene, store_for
from tarmac.adopt.variables import settings_files
from tarmac.model.texts import LOGIN_NAME, LOGIN_SIGNS
from tarmac.model.value import DATABASE

#: Names of variables that may choose one of several files of settings.
_CHOOSES = re.compile(r"(?i)conf|env|profile|mode|stage")
#: Files of settings that only what makes the tables reads.
_OF_STEPS = re.compile(
    r"(?:^|/)(?:(?:database|db|sequelize|migrations|config)/(?:config|database)|knexfile|ormconfig)"
    r"\.(?:[cm]?[jt]s|json):"
)


class FoundByItself(NamedTuple):
    """What follows for a program from what it knows of stores."""

    #: The stores' names.
    stores: tuple[str, ...]
    #: Its variables, those that say the rest of a login as references.
    env: Mapping[str, str]
    to_do: tuple[str, ...]


def found_by_itself(
    service: Service, env: Mapping[str, str], folder: Folder, scene: Scene
) -> FoundByItself:
    """Let stores answer where files of settings and code look for them, and no variable says so."""
    hosts = [*scene.stores, *(name.replace("-", "_") for name in scene.stores)]
    hosts += [scene.broker.name] if scene.broker else []
    calls: dict[str, None] = {}
    to_do: list[str] = []
    chosen = [value.removeprefix("./") for name, value in env.items() if _CHOOSES.search(name)]
    unread = settings_files.unreached(folder)
    read = {name: value for name, value in env.items() if name not in unread}
    said = [*service.run.split(), *chosen]
    for named in named_servers(folder, hosts, said, elsewhere=True):
        if is_elsewhere(named):
            to_do += _of_another_network(named, service, scene, calls)
            continue
        own = scene.own_store(named.kind, service)
        store = scene.store_named(named.host) if named.host else own
        server = servers.of_kind(named.kind)
        if store is None and scene.adds(server) and not named.host:
            store = store_for(server, service, scene)
        holds = store is not None and server.databases and server.seeds and store.database
        if store is not None and holds and len(scene.services) > 1:
            store = scene.with_database(store, named.database)  # the one of its file is others'
        if store is None or store.name in calls:
            continue
        others = (*scene.stores.values(), store) if not named.host else (store,)
        alike = (other for other in others if other.kind == store.kind)
        told = next((other for other in alike if is_told(other, read, scene)), None)
        if named.login_alone and told is None:
            continue
        if (store := told or store) is told:  # of its place, at least
            if MIGRATE in service.tasks and _OF_STEPS.search(named.place) and named.password:
                _answer(named, store, service, env, scene)  # it reads no variable
                continue
            if named.handed and not (named.host or server.databases or store.known):
                _answer(named, store, service, env, scene)
                continue
            outputs = "password" if named.apart else "password|url"
            if named.password and not _is_told(outputs, store, env, scene):
                placed = (
                    _is_told("port|address|url", store, env, scene) or store.name in env.values()
                )
                _answer(named, store, service, env, scene, placed=placed)
            continue
        calls[store.name] = None
        env = {**env, **_rest_of_login(named, store, env, scene)}
        why = _answer(named, store, service, env, scene)
        if not why and store.name == (scene.broker and scene.broker.name):  # what it waits for
            env = {**env, f"{store.kind.upper()}_URL": servers.reference("", "url", broker=True)}
        if why and not named.host:  # what names other hosts is said of each of them
            to_do.append(
                f"{named.place} says where {store.name} is by itself, {why}: have it read a "
                "variable"
            )
    return FoundByItself(tuple(calls), env, tuple(to_do))


def _of_another_network(
    named: NamedServer, service: Service, scene: Scene, calls: dict[str, None]
) -> list[str]:
    """Say that a server of a program's author is elsewhere, and have one of its kind here."""
    server = servers.of_kind(named.kind)
    store = scene.own_store(named.kind, service)
    if store is None and scene.adds(server):
        store = store_for(server, service, scene)
    if store is None or store.name in calls:
        return []
    calls[store.name] = None
    what = f"{named.place} says where {store.name} is by itself, at {named.host} of another network"
    return [f"{what}: have it read a variable"]


def at_its_usual_port(
    service: Service, env: Mapping[str, str], reads: Mapping[str, object], scene: Scene
) -> None:
    """Let a store answer at its usual port where a program is told its login and no place."""
    for store in [*scene.stores.values()]:
        root = f"${{stores.{store.name}."
        logs_in = any(name in reads for name, value in env.items() if f"{root}password}}" in value)
        alike = [other for other in scene.stores.values() if other.kind == store.kind]
        if logs_in and not any(is_told(other, env, scene) for other in alike):
            place = f"{service.name} is told no place of it"
            _answer(NamedServer(store.kind, place), store, service, env, scene)


def as_its_user(env: Mapping[str, str], service: Service, folder: Folder, scene: Scene) -> None:
    """Let a program that is told a password alone log in as the user of its server's container.

    One whose own files name a user logs in as that.
    """
    named = {one.kind for one in named_servers(folder, scene.stores) if one.user}
    for store in [*scene.stores.values()]:
        server, known = servers.of_kind(store.kind), store.known or KnownPlace(by=service.name)
        may = store.user and (store.user != server.admin or server.lends_admin)
        is_told = _is_told("password", store, env, scene)
        if (
            not may
            or not is_told
            or store.kind in named
            or _is_told("user|url", store, env, scene)
            or known.user
        ):
            continue
        if server.databases and re.fullmatch(LOGIN_NAME, store.user):
            remark = f"{service.name} is told its password and no user, so it is its container's"
            changed = replace(store, known=replace(known, user=store.user))
            scene.stores[store.name] = replace(changed, remarks=(*store.remarks, remark))


def _rest_of_login(
    named: NamedServer, store: Store, env: Mapping[str, str], scene: Scene
) -> Mapping[str, str]:
    """Refer to the parts of a login that a file leaves to variables."""
    said = {"user": named.user, "password": named.password}
    if not named.database:
        said["database"] = None
    found = {}
    for name, value in env.items():
        known = servers.of_variable(name, frozenset({store.kind}))
        is_plain = known is not None and known[0].kind == store.kind and "${" not in value
        if known is not None and is_plain and known[1] in said and not said[known[1]]:
            is_broker = store is scene.broker
            found[name] = servers.reference(store.name, known[1], broker=is_broker)
    if not named.password and not servers.of_kind(store.kind).passwordless:
        found |= {} if found else _told_apart(store, env, is_user=bool(named.user))
    return found


def knows_login(store: Store, env: Mapping[str, str]) -> bool:
    """Tell whether a program knows a server's login by itself, or its password by a variable."""
    is_told = servers.reference(store.name, "password") in env.values()
    return store.known is not None and bool(store.known.password or is_told)


def with_logins(
    env: Mapping[str, str], scene: Scene, folder: Folder, secrets: Iterable[str] = ()
) -> dict[str, str]:
    """Tell a library the password of a server by its own variable, where a program is told none.

    It makes the address of a host and a user, say: `postgresql://%s@%s/%s`. One that reads no login
    in an address is told none, and no token.

    Args:
        secrets: the variables that are generated else.
    """
    found, said = dict(env), " ".join(env.values())
    libraries = servers.libraries(folder)
    for store in filter(None, (*scene.stores.values(), scene.broker)):
        shows, is_broker = servers.of_kind(store.kind).shows, store is scene.broker
        if shows.reads_no_login and re.search(shows.reads_no_login, libraries):
            whole = servers.reference(store.name, "url", broker=is_broker)
            place = servers.reference(store.name, "address", broker=is_broker)
            plain = f"{shows.schemes[0]}://{place}"
            found |= {name: plain for name, value in env.items() if value == whole}
            token = re.compile(rf"(?:\w+_)?(?:{'|'.join(shows.stems)})_(?:AUTH_)?TOKEN")
            found |= {name: "" for name in secrets if plain in found.values() and token.match(name)}
    for store in scene.stores.values():
        root = rf"\$\{{stores\.{store.name}\."
        is_at = store.name in env.values() or re.search(rf"{root}(?:host|address)\}}", said)
        is_known = store.known is not None and store.known.password is not None
        has_user = re.search(rf"{root}user\}}", said) and is_at and not is_known
        if has_user and not re.search(rf"{root}(?:password|url)\}}", said):
            found |= _told_apart(store, env, is_user=True)
    return found


def _told_apart(store: Store, env: Mapping[str, str], *, is_user: bool) -> dict[str, str]:
    """Refer to a login by the variables of a kind's libraries."""
    named = servers.of_kind(store.kind).shows.told_apart.items()
    wanted = (pair for pair in named if not (is_user and pair[0] == "user"))
    return {n: servers.reference(store.name, part) for part, n in wanted if n not in env}


def _other_name(store: Store, scene: Scene) -> str:
    """Name a broker as its file does, where that is neither its kind nor what it is called here."""
    is_other = store is scene.broker and store.name not in ("broker", store.kind)
    return store.name if is_other and valid_name(store.name) == store.name else ""


def is_told(store: Store, env: Mapping[str, str], scene: Scene) -> bool:
    """Tell whether variables say where a store is."""
    root = "broker" if store is scene.broker else f"stores.{store.name}"
    where = re.compile(rf"\$\{{{root}\.(?!(?:user|password|database|port)\}})")
    return any(value == store.name or where.search(value) for value in env.values())


def _is_told(outputs: str, store: Store, env: Mapping[str, str], scene: Scene) -> bool:
    """Tell whether variables refer to one of these outputs of a store."""
    root = "broker" if store is scene.broker else f"stores.{store.name}"
    return any(re.search(rf"\$\{{{root}\.(?:{outputs})\}}", value) for value in env.values())


def _answer(
    named: NamedServer,
    store: Store,
    service: Service,
    env: Mapping[str, str],
    scene: Scene,
    *,
    placed: bool = False,
) -> str:
    """Let a store be what a program knows of it; return why it cannot, "" where it can.

    Args:
        placed: variables say where it is, and only the login is what the program knows.
    """
    server = servers.of_kind(store.kind)
    usual = server.shows.port
    port = 0 if placed or (named.host and named.port in (0, usual)) else named.port or usual
    login, why = _login(named, store, server, env)
    why = why or _why_not_there(port, store, scene)
    database = store.database
    if server.databases and named.database:
        if not re.fullmatch(DATABASE, named.database):
            return f"in a database that Tarmac gives no such name ({named.database})"
        database = named.database
    is_other = bool(store.database) and database != store.database
    if why or login is None:
        return why
    place = replace(login, port=port)
    if store.known is not None and (store.known.login != place.login or is_other):
        return f"with another login or database than {store.known.by}"
    there = f"at {named.host or 'localhost'}:{port}" if port else f"as {store.name}"
    what = f"looks for it {there}"
    what = "knows its login" if placed else what
    remark = f"{service.name} {what} by itself ({named.place}), not by a variable"
    host = _other_name(store, scene) if named.host else ""
    changed = replace(
        store,
        database=database,
        passwordless=store.passwordless or (server.passwordless and place.login == (None, None)),
        known=replace(
            place,
            port=port or (store.known.port if store.known else 0),
            host=host or (store.known.host if store.known else ""),
            by=service.name,
        )
        if port or host or place.login != (None, None)
        else store.known,
        remarks=(*store.remarks, remark),
    )
    if store is scene.broker:
        scene.broker = changed
    else:
        scene.stores[store.name] = changed
    scene.names = scene.names or named.of_containers or (bool(named.host) and not placed)
    return ""


def _login(
    named: NamedServer, store: Store, server: servers.Server, env: Mapping[str, str]
) -> tuple[KnownPlace | None, str]:
    """Return the login that a program knows, or why no store of the kind has it."""
    user, password = named.user or None, named.password
    is_told = any(f"stores.{store.name}.password}}" in value for value in env.values())
    if user and (
        not re.fullmatch(LOGIN_NAME, user) or (user == server.admin and not server.lends_admin)
    ):
        return None, f"as a user that {server.kind} cannot have here ({user})"
    if password and not re.fullmatch(LOGIN_SIGNS, password):
        return None, "with a password that has other signs than letters, digits and ._~!*+=,-"
    if not password:
        if is_told:
            return KnownPlace(user=user), ""
        if server.passwordless:
            return KnownPlace(), ""
        if user and server.empty_passwords:
            return KnownPlace(user=user, password=""), ""
        return None, f"without a password, which {server.kind} asks for here"
    return KnownPlace(user=user, password=password), ""


def _why_not_there(port: int, store: Store, scene: Scene) -> str:
    """Say why a store cannot be at a port; "" where it can."""
    others = [s for s in (*scene.stores.values(), scene.broker) if s is not None and s is not store]
    taken = {s.known.port: s.name for s in others if s.known}
    taken |= {p: s.name for s in scene.services.values() for p in s.ports.values()}
    if port and port in taken:
        return f"at port {port}, where {taken[port]} is"
    return ""
