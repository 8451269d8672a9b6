"""Names a server by its name alone where a program is told a host and looks at the usual port.

`settle` asks, when it is known what the variables of a program refer to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.variables import code


def at_usual_ports(
    env: Mapping[str, str], service: Service, folder: Folder, scene: Scene
) -> dict[str, str]:
    """Name a store by its name alone where the program is told a host of it, and no port."""
    said = " ".join((*env.values(), service.run))
    found = dict(env)
    for name, value in env.items():
        match = re.fullmatch(r"\$\{stores\.([a-z0-9-]+)\.host\}", value)
        told = match and re.search(rf"\$\{{stores\.{match[1]}\.(?:port|url|address)\}}", said)
        store = scene.stores.get(match[1]) if match and not told else None
        shows = servers.of_kind(store.kind).shows if store else None
        if match and shows and (shows.path_is_database or _says(shows.port, name, folder)):
            found[name] = match[1]
            scene.names = True
    return _broker_by_name(found, said, scene)


def _says(port: int, name: str, folder: Folder) -> bool:
    """Tell whether code says a port itself behind a variable for the host: `${REDIS_HOST}:6379`."""
    behind = re.compile(rf"\b{re.escape(name)}\b[^\n:]{{0,20}}[}})]?:{port}\b")
    return any(behind.search(text) for _, text in code.texts(folder))


def _broker_by_name(env: dict[str, str], said: str, scene: Scene) -> dict[str, str]:
    """Name the broker by its kind, as programs find it, where nothing says its port."""
    root = r"\$\{broker\."
    if scene.broker is None or re.search(rf"{root}(?:port|url|address|endpoint)\}}", said):
        return env
    hosts = [name for name, value in env.items() if re.fullmatch(rf"{root}host\}}", value)]
    known = scene.broker.known
    if not hosts or (known and known.port):  # it answers at that port of this machine
        return env
    kind = scene.broker.kind
    scene.names = True
    # What the program waits for, where no login says so.
    waits = {f"{kind.upper()}_URL": servers.reference("", "url", broker=True)}
    is_said = re.search(rf"{root}(?!host\}})", said)
    return {**env, **dict.fromkeys(hosts, kind), **({} if is_said else waits)}
