"""Says the variables that a file gives a program as they are here: with references, or as secrets.

`settle` asks, before what the code reads besides.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.stores import servers, sqlite
from tarmac.adopt.survey.found import Service
from tarmac.adopt.survey.scene import Scene, store_for
from tarmac.adopt.variables import dotenv_files
from tarmac.adopt.variables.addresses import OF_THIS_MACHINE, rewritten
from tarmac.adopt.variables.variable_parts import parts_by_prefix


def told(service: Service, scene: Scene, dotenv: dict[str, str]) -> Service:
    """Settle the variables that a file gives it."""
    env: dict[str, str] = {}
    hidden: list[str] = []
    made: list[str] = []
    for name, value in service.env.items():
        text = _on_volume(value, service, scene) or rewritten(name, value, service, scene)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            scene.remarks.append(f"{service.name}: variable {name} has an invalid name")
            continue
        if text == value:
            text = _of_this_machine(name, value, service, scene)
            text = text or OF_THIS_MACHINE.sub("localhost", value)
        env[name] = text if text != value else value.replace("${", "$${")
        if text == value and (own := _login_of_a_store(name, value, service, scene)):
            env[name] = own
            continue
        if text == value and dotenv_files.is_secret(name) and dotenv_files.is_placeholder(value):
            made.append(name)
            continue
        private = name in service.private and dotenv_files.is_secret(name, value)
        if text == value and (
            private or (dotenv_files.is_secret(name) and dotenv.get(name) == value)
        ):
            hidden.append(name)  # its value stays where it is
    parts = parts_by_prefix(env, scene)
    hidden = [name for name in hidden if name not in parts]
    made = [name for name in made if name not in parts]
    to_do = [
        f"put {name} into the .env beside this file: its value is of {service.private[name]}"
        for name in hidden
        if dotenv.get(name) != service.env[name]
    ]
    return replace(
        service,
        env={n: text for n, text in {**env, **parts}.items() if n not in (*hidden, *made)},
        secrets=(*service.secrets, *hidden, *made),
        to_do=(*service.to_do, *to_do),
    )


def _on_volume(value: str, service: Service, scene: Scene) -> str:
    """Refer to a volume where a value is a path on it; "" where it is none."""
    scheme, value = sqlite.path_of(value)
    for name, path in service.mounts.items():
        if value == path or value.startswith(f"{path}/"):
            return f"{scheme}{scene.place_of_volume(service, name)}{value.removeprefix(path)}"
    return ""


def _of_this_machine(name: str, value: str, service: Service, scene: Scene) -> str:
    """Refer to a store where a file says that it is on the machine of those who start it.

    In a container that is nothing: it is an example's, for a program that runs beside its store.
    What a container calls that machine says that people have the server there.
    """
    plain = OF_THIS_MACHINE.sub("localhost", value)
    match = re.fullmatch(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?", plain)
    known = servers.of_variable(name, frozenset()) if match else None
    database = scene.only_database()
    if known is None and match and database:  # DATABASE_HOST names no kind
        kinds = frozenset({database.kind})
        known = servers.of_variable(name, kinds)
        known = known or servers.of_group(name, frozenset(service.env), kinds)
    if match is None or known is None or known[1] not in ("host", "address"):
        return ""
    server = known[0]
    store = scene.only_store(server.kind)
    if store is None and plain != value and scene.find_store(server.kind) is None:
        store = store_for(server, service, scene) if scene.adds(server) else None
    if store is None:
        return ""
    output = "address" if match[1] else "host"
    return servers.reference(store.name, output, broker=store is scene.broker)


def _login_of_a_store(name: str, value: str, service: Service, scene: Scene) -> str:
    """Refer to the password of a store that a variable's name tells, or its first user; or "".

    So is its database where nothing else says how that is called.
    """
    known = servers.of_variable(name, frozenset())
    database = scene.only_database()
    if known is None and not value and database:  # an example leaves DB_PASSWORD empty
        known = servers.of_variable(name, frozenset({database.kind}))
    server, output = known or (None, "")
    is_login = output in ("user", "password", "database")
    store = scene.own_store(server.kind, service, name) if server and is_login else None
    if store is not None and output == "database":
        return "" if store.database else servers.reference(store.name, output)
    if store is None or store.passwordless or (output == "user" and value != store.user):
        return ""
    return servers.reference(store.name, output, broker=store is scene.broker)


def as_files(service: Service, scene: Scene) -> Service:
    """Refer to the files of stores' passwords; the others are secrets of its own."""
    stores = {one.password_secret: one for one in scene.stores.values() if one.password_secret}
    if scene.broker is not None and scene.broker.password_secret:
        stores[scene.broker.password_secret] = scene.broker
    env, own = dict(service.env), {}
    for variable, secret in service.secret_files.items():
        if store := stores.get(secret):
            is_broker = store is scene.broker
            env[variable] = servers.reference(store.name, "password_file", broker=is_broker)
        else:
            own[variable] = secret
    to_do = [
        f"put {variable.removesuffix('_FILE')} into the .env beside this file: "
        f"it is the secret {secret}"
        for variable, secret in own.items()
    ]
    return replace(
        service,
        env=env,
        secret_files=own,
        secrets=(*service.secrets, *own),
        to_do=(*service.to_do, *to_do),
    )
