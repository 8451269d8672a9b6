"""Settles every variable: what a file gives, what the code reads, and what has no value.

Called by the survey when services and stores are known. A reference is an edge: the edges come
from here, and they never form a cycle.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from tarmac.adopt.packages import python_imports
from tarmac.adopt.packages.node_mode import file_of_mode
from tarmac.adopt.stores import alembic, first_sql, known_servers, servers, sqlite
from tarmac.adopt.stores.extensions import provided
from tarmac.adopt.stores.known_servers import is_told
from tarmac.adopt.stores.usual_ports import at_usual_ports
from tarmac.adopt.survey import made_keys
from tarmac.adopt.survey.found import (
    MIGRATE,
    Folder,
    Service,
    Store,
    Survey,
    port_number,
    valid_name,
)
from tarmac.adopt.survey.given import as_files, told
from tarmac.adopt.survey.own import files_of
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.variables import (
    code,
    code_ports,
    dotenv_files,
    for_now,
    json_lists,
    settings_files,
    spring_settings,
)
from tarmac.adopt.variables.addresses import with_variables
from tarmac.adopt.variables.secret_forms import form_of
from tarmac.adopt.variables.usual_values import at_first_host
from tarmac.adopt.variables.variable import GivenValues
from tarmac.adopt.variables.variable_parts import logins
from tarmac.adopt.variables.variable_read import VariableRead
from tarmac.adopt.variables.variables import settled_variables

#: What Flask's own command reads, whose program need not.
_FLASK_APP = "FLASK_APP"
#: Ports of programs that run beside many, by how their variables begin, or of one of its own kind.
_OF_SIDECARS = re.compile(
    r"(DAPR|CONSUL|VAULT|ENVOY|ISTIO|LINKERD|OTEL|OTLP|JAEGER|ZIPKIN|STATSD|DD|DATADOG|PROMETHEUS|"
    r"SMTP|MAIL|EMAIL|PROXY|ELASTIC\w*|LOGSTASH|FLUENT\w*|SENTRY|VITE|HMR)_|\w+_SERVICE_PORT$"
)


#: A reference to a store, or to the broker.
_OF_STORES = re.compile(r"\$\{(?:stores\.([a-z0-9-]+)|broker)\.")
#: What switches something off -> what switches it on.
_OFF = {"false": "true", "0": "1", "no": "yes", "off": "on"}
_MIGRATES = re.compile(r"(?:^|[\s:])migrat(?:e|ions?)\b(?!\.\w)")
#: The code of a program of others.
_NOTHING = Folder("", (), lambda _: "", lambda _: False)


def settle(found: Survey, root: Folder, kinds: frozenset[str]) -> Survey:
    """Settle every variable of every service."""
    scene = Scene(
        {service.name: service for service in found.services},
        {store.name: store for store in found.stores},
        found.broker,
        dict(found.unknown_hosts),
        kinds,
        may_add=not found.stores and (found.broker is None or found.servers_alone),
    )
    dotenv, file = dotenv_files.of_file(root)
    dotenv = dotenv_files.resolved(dotenv)
    if file != ".env":  # that says which servers its programs use
        scene.held = {store.kind: store for store in reversed(found.held)}
    example, dotenv = ({}, dotenv) if file == ".env" else (dotenv, {})
    services, places = [], frozenset(service.folder for service in found.services)
    handed = spring_settings.handed_out(root, places)
    for service in found.services:
        folder = files_of(root, service, places, handed) if not service.of_others else _NOTHING
        settled = _settled(service, folder, scene, dotenv, example)
        own = [s.name for s in scene.stores.values() if servers.of_kind(s.kind).seeds]
        settled = alembic.told(sqlite.on_volumes(settled, folder), folder, own)
        settled = spring_settings.with_steps(settled, root)
        services.append(made_keys.with_keys(settled, root if not service.folder else folder))
    services = made_keys.made_once(services)
    given = {store.name for store in found.stores} | ({"broker"} if found.broker else set())
    services = [replace(one, env=_switched_on(one.env, given)) for one in services]
    used = [_as_used(store, services) for store in scene.stores.values()]
    for_tests = [store.name for store in used if _is_for_tests(store, services)]
    used = [store for store in used if store.name not in for_tests]
    used = [first_sql.of_its_name(one, scene.database_of(one), root) for one in used]
    lines = [line for one in services for line in (one.run, *one.tasks.values())]
    is_made = any(MIGRATE in one.tasks for one in services)
    if not is_made and not any(map(_MIGRATES.search, lines)):  # it carries them out by itself
        used = first_sql.of_all_tables(first_sql.of_steps(used, root, services), root)
    left_out = first_sql.without_its_program(found.left_out, used)
    started = {one.name for one in (*used, *filter(None, (scene.broker,)))}
    held = {one.name for one in found.held if one.name in started}
    left_out = tuple(line for line in left_out if not _is_of_a_profile(line, held))
    return replace(
        found,
        services=tuple(services),
        stores=provided(tuple(used), root),
        broker=scene.broker and _as_used(scene.broker, services, broker=True),
        left_out=(
            *left_out,
            *(f"{name}: no program uses it; add it for the tests" for name in for_tests),
            *scene.remarks,
        ),
        hosts=scene.names,
    )


def _switched_on(env: Mapping[str, str], own: Collection[str]) -> dict[str, str]:
    """Switch on what a file of variables has off, where a server was added for it alone.

    Args:
        own: the stores that a file of the repository starts, which programs may do without.
    """
    found = dict(env)
    for name, value in env.items():
        stem = name.removesuffix("_ENABLED")
        beside = [env[n] for n in env if n.startswith(f"{stem}_")] if stem != name else []
        said = {m[1] or "broker" for v in beside for m in _OF_STORES.finditer(v)}
        if said - {*own} and value.lower() in _OFF:
            found[name] = _OFF[value.lower()]
    return found


def _is_of_a_profile(line: str, names: Collection[str]) -> bool:
    """Tell whether a line says of one of these servers that only a profile has it."""
    match = re.match(r"([\w.-]+): only in the profile ", line)
    return match is not None and valid_name(match[1]) in names


def _is_for_tests(store: Store, services: list[Service]) -> bool:
    """Tell whether a server is one that no program uses, and for tests by its name: pgtest."""
    if not re.search(r"(?:^|-)tests?(?:-|$)|test$", store.name):
        return False
    said = " ".join(value for service in services for value in service.env.values())
    is_named = any(store.name in (*one.calls, *one.stores) for one in services)
    return not is_named and f"${{stores.{store.name}." not in said and store.known is None


def _as_used(store: Store, services: list[Service], *, broker: bool = False) -> Store:
    """Let a store serve as its programs know it: without a password, or as one user's for all."""
    root = "broker" if broker else f"stores.{store.name}"
    bare = any(
        re.search(rf"\$\{{{root}\.(host|port|address)\}}", said)
        and f"${{{root}.password}}" not in said
        for said in (" ".join(service.env.values()) for service in services)
    )
    values = {value for service in services for value in service.env.values()}
    # Its name alone says where it is, and nothing says a password.
    says = re.compile(rf"\$\{{{root}\.(?!(?:user|database|port)\}})")
    bare = bare or (store.name in values and not any(map(says.search, values)))
    users = [
        service
        for service in services
        if store.name in service.stores
        or any(f"${{stores.{store.name}." in value for value in service.env.values())
    ]
    server = servers.of_kind(store.kind)
    return replace(
        store,
        passwordless=(bare or store.passwordless) and server.passwordless,
        shared=len(users) > 1 and server.shows.shares,
    )


def _settled(
    service: Service,
    folder: Folder,
    scene: Scene,
    dotenv: dict[str, str],
    example: dict[str, str],
) -> Service:
    service = replace(
        service, env={spring_settings.variable_of(n): v for n, v in service.env.items()}
    )
    service = with_variables(settings_files.for_here(service, folder), scene)
    schemes = {n: v.partition("://")[0] for n, v in service.env.items()}
    service = as_files(told(service, scene, {**example, **dotenv}), scene)
    service = replace(service, env=_as_compared(service.env, schemes, folder))
    read_by_viper = next(settings_files.of_variables(folder), "")
    chosen = file_of_mode(service, folder) or read_by_viper or (".env" if folder.path else "")
    beside, beside_file = dotenv_files.of_file(folder, chosen) if chosen else ({}, "")
    given = GivenValues(dotenv, example, beside, beside_file)
    reads = code.variables(folder)
    found = settled_variables(service, reads, folder, scene, given)
    env, missing, optional = found.env, found.missing, found.optional
    app = given.value(_FLASK_APP) if re.search(r"\bflask run\b", service.run) else None
    env = {**({_FLASK_APP: app} if app else {}), **env}
    told_so = {n: given.value(n) or read.default or "" for n, read in reads.items()}
    said = {n: text.partition("://")[0] for n, text in told_so.items() if "://" in text}
    env = _as_compared(env, {n: said[n] for n in said if n not in schemes}, folder)
    named = (value for value in env.values() if value in scene.stores)
    service = replace(service, calls=(*service.calls, *named) if scene.names else service.calls)
    env = {**env, **logins(env, reads)}
    by_itself = known_servers.found_by_itself(service, env, folder, scene)
    service, env = replace(service, calls=(*service.calls, *by_itself.stores)), {**by_itself.env}
    service, unnamed = _hosts_in_code(service, env, folder, scene)
    hidden = (name for name in missing if dotenv_files.is_secret(name) or name in dotenv)
    secrets = tuple(dict.fromkeys((*found.secrets, *hidden)))
    scene.ports.subtract(scene.services[service.name].ports.values())
    service, ports = _own_ports(service, reads, optional, env, scene.ports)
    scene.services[service.name] = replace(scene.services[service.name], ports=service.ports)
    scene.ports.update(service.ports.values())
    env = {**env, **ports}
    env = {**env, **_unencrypted({n: env[n] for n in env if n not in schemes}, folder, scene)}
    env = _insisted(_by_async_driver(env, folder, scene), folder, scene)
    at_usual = at_usual_ports(env, service, folder, scene)
    by_name = (v for n, v in at_usual.items() if v != env.get(n) and v in scene.stores)
    service = replace(service, calls=(*service.calls, *by_name))
    env = known_servers.with_logins(at_usual, scene, folder, secrets)
    env = json_lists.as_read(env, folder)
    env = at_first_host(_by_celery_alone(env, service, folder, scene))
    secrets = tuple(name for name in secrets if name not in env)
    known_servers.at_its_usual_port(service, env, reads, scene)
    known_servers.as_its_user(env, service, folder, scene)
    lacked = python_imports.assumed(service.tasks.get("install", ""))
    notes: tuple[str, ...] = ()
    if env.get(_OF_CELERY) == "":
        notes = (f"{_OF_CELERY} is empty: Celery would take the system's broker by it for its own",)
    return _joined(
        replace(
            service,
            env=env,
            secrets=secrets,
            secret_forms={n: form for n in secrets if (form := form_of(n, folder))},
            missing={n: place for n, place in missing.items() if n not in (*secrets, *env)},
            optional=tuple(name for name in optional if name not in env),
            to_do=(*service.to_do, *found.to_do, *unnamed, *by_itself.to_do),
            remarks=(*service.remarks, *notes),
            guesses=(*service.guesses, *for_now.said(found.assumed), *lacked),
        ),
        scene,
    )


#: What Celery's command takes as its broker, before what its app says.
_OF_CELERY = "BROKER_URL"
#: The kind of broker that it speaks to, besides stores.
_BROKER_OF_CELERY = "rabbitmq"
#: Where Celery's own broker is said: a variable of that name, or the argument of its app.
_SAYS_BROKER = re.compile(r"(?i)celery\w*broker|broker\w*(?:celery|redis)|redis\w*broker")
_APP_OF_REDIS = re.compile(r"\bbroker(?:_url)?\s*=\s*[^,)\n]{0,60}(?i:redis)")


def _by_celery_alone(
    env: dict[str, str], service: Service, folder: Folder, scene: Scene
) -> dict[str, str]:
    """Leave to Celery the broker that its app names, where the system's broker is another one.

    Its command reads the variable that says where the system's broker is.
    """
    is_celery = re.search(r"(?:^|[\s/])celery\s", service.run)
    uses = any("${broker." in value for value in env.values())
    if not is_celery or not uses or scene.broker is None or _OF_CELERY in env:
        return env
    told = [value for name, value in env.items() if _SAYS_BROKER.search(name)]
    of_others = any("${stores." in value for value in told)
    if scene.broker.kind == _BROKER_OF_CELERY and not of_others:
        texts = (text for file, text in code.texts(folder) if file.endswith(".py"))
        of_others = not told and any(map(_APP_OF_REDIS.search, texts))
        return {**env, _OF_CELERY: ""} if of_others else env
    return {**env, _OF_CELERY: ""}


def _as_compared(
    env: Mapping[str, str], schemes: Mapping[str, str], folder: Folder
) -> dict[str, str]:
    """Write an address with the scheme that its program needs: as it was, or its driver's.

    The code may look for the one of the two names; SQLAlchemy may know another driver by it.
    """
    compared = code.compared_schemes(folder)
    found = dict(env)
    for name, value in env.items():
        match = re.fullmatch(r"\$\{(stores\.[a-z0-9-]+)\.url\}", value)
        scheme = schemes.get(name, "") if match else ""
        is_named = scheme in compared or "+" in scheme
        driven = servers.named_driver(scheme, folder)
        driven = "" if driven and code.takes_plain_address(folder) else driven
        scheme = driven or (scheme if is_named else "")
        if match and scheme:
            found[name] = _in_parts(match[1], scheme)
    return found


def _in_parts(root: str, scheme: str) -> str:
    user, password, host, port, database = (
        f"${{{root}.{part}}}" for part in ("user", "password", "host", "port", "database")
    )
    return f"{scheme}://{user}:{password}@{host}:{port}/{database}"


def _insisted(env: Mapping[str, str], folder: Folder, scene: Scene) -> dict[str, str]:
    """Write an address with the one scheme that a library of the program takes."""
    libraries = servers.libraries(folder)
    found = dict(env)
    for store in scene.stores.values():
        for library, scheme in servers.of_kind(store.kind).shows.insists.items():
            if re.search(library, libraries):
                root = f"stores.{store.name}"
                whole = {n for n, value in env.items() if value == f"${{{root}.url}}"}
                found |= dict.fromkeys(whole, _in_parts(root, scheme))
    return found


def _by_async_driver(env: Mapping[str, str], folder: Folder, scene: Scene) -> dict[str, str]:
    """Write an address with the driver of SQLAlchemy's asynchronous engine, which has to be named.

    Code that names it itself makes its address of another one.
    """
    found, own = dict(env), [f for f in folder.files if f.endswith(".py") and "test" not in f]
    whole = {f"${{stores.{name}.url}}": store for name, store in scene.stores.items()}
    if not whole.keys() & {*env.values()}:
        return found
    text = "\n".join(map(folder.read, own))
    if not re.search(r"\b(?:create_async_engine|async_engine_from_config)\(", text):
        return found
    libraries = servers.libraries(folder)
    for name, value in env.items():
        store = whole.get(value)
        drivers = servers.of_kind(store.kind).shows.async_drivers if store else {}
        for driver, scheme in drivers.items():
            if store and driver in libraries and f"+{driver}" not in text:
                found[name] = _in_parts(f"stores.{store.name}", scheme)
    return found


def _unencrypted(env: Mapping[str, str], folder: Folder, scene: Scene) -> dict[str, str]:
    """Say that a database is not encrypted where the library insists on it by default.

    An address of a container says what is needed there, where nothing is encrypted either.
    """
    libraries = servers.libraries(folder)
    ends = {
        f"${{stores.{store.name}.url}}": end
        for store in scene.stores.values()
        for library, end in servers.of_kind(store.kind).shows.unencrypted.items()
        if re.search(library, libraries)
    }
    return {name: f"{value}{ends.get(value, '')}" for name, value in env.items()}


def _hosts_in_code(
    service: Service, env: Mapping[str, str], folder: Folder, scene: Scene
) -> tuple[Service, list[str]]:
    """Add calls to the services whose containers are named in its code; remark on other names.

    A store that asks for a password cannot be reached by its name alone.
    """
    others = scene.services.values()
    if scene.may_add and not any(one.calls or one.known_as for one in others):
        return service, []  # no file gives names

    def is_host(name: str) -> bool:
        known = scene.services, scene.stores, scene.unknown_hosts
        is_broker = scene.broker is not None and name == scene.broker.name
        said = {name, name.replace("_", "-")}  # a container's name may have either
        return name != service.name and (is_broker or any(said & names.keys() for names in known))

    to_do, calls = [], list(service.calls)
    said = sorted(filter(is_host, code.words(service.run)))
    in_run = {name: "its command" for name in said if code.names_host(service.run, name)}
    for host, place in {**code.named_hosts(folder, is_host), **in_run}.items():
        name = host if host in scene.unknown_hosts else host.replace("_", "-")
        target = scene.services.get(name)
        store = scene.stores.get(name)
        if (
            store is not None
            and spring_settings.is_of_settings(place)
            and is_told(store, env, scene)
        ):
            continue  # the variable counts, not the file
        broker = scene.broker if scene.broker and name == scene.broker.name else None
        if _is_a_default(place, env, folder):
            continue
        if broker is not None and is_told(broker, env, scene):
            continue  # it is found by that name
        if target is not None and target.ports and scene.may_call(service.name, name):
            scene.names = True
            calls += [name] if name not in calls else []
        elif store is not None and known_servers.knows_login(store, env):
            scene.names = True  # and its password is the one that the code knows
            calls += [name] if name not in calls else []
        elif store is not None and servers.of_kind(store.kind).passwordless:
            scene.names = True  # it asks for no password, and so is found by its name
            scene.stores[name] = replace(store, passwordless=True)
            calls += [name] if name not in calls else []
        else:
            calls += [name] if store is not None and name not in calls else []
            to_do.append(
                f"{place} connects to the host '{host}' by itself: have it read a variable"
            )
    return replace(service, calls=tuple(calls)), to_do


def _is_a_default(place: str, env: Mapping[str, str], folder: Folder) -> bool:
    """Tell whether a place in the code reads a variable that the program is given."""
    file, _, line = place.rpartition(":")
    number = int(line) if line.isdigit() else 0  # a command has none
    lines = folder.read(file).splitlines() if number else []
    said = lines[number - 1] if 0 < number <= len(lines) else ""
    if any(re.search(rf"[\"'.\[]{re.escape(name)}\b", said) for name in env):
        return True
    overriding = settings_files.overriding(folder) if number else ()
    return any(read.name in env and read.place == place for read in overriding)


def _own_ports(
    service: Service,
    reads: dict[str, VariableRead],
    optional: list[str],
    env: dict[str, str],
    taken: Mapping[int, int],
) -> tuple[Service, dict[str, str]]:
    """Give it its own ports by the variables that it reads; `taken` counts those of others."""
    extra: dict[str, str] = {}
    ports = dict(service.ports)
    if variable := service.port_variable:
        address = (reads[variable].default or "") if variable in reads else ""
        address = env.get(variable, address)
        is_port = variable.upper().endswith("PORT")
        before = "127.0.0.1:" if ":" in address or not is_port else ""
        extra[variable] = f"{before}${{services.{service.name}.port}}"
    for name in [n for n in optional if n.endswith("_PORT") and n not in env]:
        default = reads[name].default or ""
        number = port_number(default)
        is_anothers = number in code_ports.OTHER_SERVERS | servers.ports() or taken[number]
        is_anothers = is_anothers or bool(_OF_SIDECARS.match(name))
        is_anothers = is_anothers or f"{name.removesuffix('PORT')}HOST" in reads
        if ports and number >= 1024 and name != variable and not is_anothers:
            key = name.removesuffix("_PORT").lower().replace("_", "-")
            if service.known_as.get(number) == "http":  # it is what others know it by
                extra[name] = f"${{services.{service.name}.port}}"
                continue
            named = next((k for k, p in ports.items() if p == number and k != "http"), None)
            if named:
                del ports[named]
            ports[key] = number
            extra[name] = f"${{services.{service.name}.{key}_port}}"
    return replace(service, ports=ports), extra


def _joined(service: Service, scene: Scene) -> Service:
    """Drop from `calls` what a reference says already, and what is not a service."""
    said = " ".join(service.env.values())
    stores = [n for n in service.calls if n in scene.stores and f"${{stores.{n}." not in said]
    calls = [
        name
        for name in service.calls
        # A service without a port cannot be called, so nothing waits for it.
        if name in scene.services
        and scene.services[name].ports
        and name != service.name
        and f"${{services.{name}." not in said
        and scene.may_call(service.name, name)
    ]
    return replace(service, calls=tuple(calls), stores=tuple(dict.fromkeys(stores)))
