"""The addresses in variables, and which service or store each one means: references in their place.

Called by `settle`, one service after the other, so that no two services wait for each other.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service
from tarmac.adopt.survey.scene import Scene, port_prefix
from tarmac.adopt.variables.dotenv_files import LONGEST
from tarmac.adopt.variables.urls import URL, referred

#: What containers call the machine that they run on; the number is that of Docker's own network.
OF_THIS_MACHINE = re.compile(
    r"host\.(?:docker|minikube|containers|k3d)\.internal|(?<![\d.])172\.17\.0\.1(?![\d.])"
)
#: Parts of an address as words: what libpq, ADO.NET and their like call them.
_PART_OF = {
    **dict.fromkeys(("host", "server", "data source"), "host"),
    "port": "port",
    **dict.fromkeys(("user", "username", "user id", "uid"), "user"),
    **dict.fromkeys(("password", "pwd"), "password"),
    **dict.fromkeys(("dbname", "database", "initial catalog"), "database"),
}
_WORDS = re.compile(
    rf"(?i)(?<![\w.])({'|'.join(sorted(_PART_OF, key=len, reverse=True))})\s*=\s*([^\s;,\"']+)"
)
#: A login in JSON: `"spring.datasource.password": "x"`.
_LOGIN = re.compile(r"(?i)(\"[\w.-]*(?:user|username|password)\"\s*:\s*\")([^\"]*)(\")")

#: An option of a command line, and the address that it is given; what is quoted stays as it is.
_FLAG_QUOTED = re.compile(
    r"(?<!\S)(--?[A-Za-z][\w.-]*)([= ]+)'([a-z][a-z0-9+]*://[^\s'\"$]+)'(?!\S)"
)
_FLAG = re.compile(r"(?<!\S)(--?[A-Za-z][\w.-]*)([= ]+)([a-z][a-z0-9+]*://[^\s'\"$]+)(?!\S)")


def rewritten(
    name: str, value: str, service: Service, scene: Scene, *, by_code: bool = False
) -> str:
    """Replace the hosts of services and stores in a value, if it is short, by references.

    Args:
        by_code: the value stands in the program's code, where localhost is a developer's machine.
    """
    if len(value) > LONGEST:
        return value
    value = _OF_A_SET.sub(_of_its_first, value)
    result = URL.sub(lambda match: referred(name, match, service, scene, by_code), value)
    if result != value:
        return _with_login(_once(result), scene)
    if by_words := _by_words(value, scene):
        return by_words
    for other in scene.hosts_in(value):
        host = re.escape(other).replace(r"\-", "[-_]")
        if value.lower() == other or re.fullmatch(host, value):
            looks = re.search(r"HOST|SERVER|ADDR|ENDPOINT|URL|URI", name.upper())
            return _host(other, "host", service, scene) or value if looks else value
        result = re.sub(
            rf"(?<![\w.$/@-]){host}:(\d+)(?![\d.])",
            lambda match, other=other: _host(other, match[1], service, scene) or match[0],  # type: ignore[misc]
            result,
        )
    return _with_login(_once(result), scene)


#: The address of a set of servers: its members one after the other.
_OF_A_SET = re.compile(
    r"(?P<begin>mongodb://(?:[^/\s@,]*@)?)(?P<first>[\w.-]+)(?P<port>(?::\d{1,5})?)"
    r"(?P<others>(?:,[\w.-]+(?::\d{1,5})?)+)(?=[/?\s]|$)"
)


def _of_its_first(match: re.Match[str]) -> str:
    """Write it with its first member alone, where all are one server here."""
    others = {other.partition(":")[0] for other in match["others"][1:].split(",")}
    is_one = others == {match["first"]}
    return f"{match['begin']}{match['first']}{match['port']}" if is_one else match[0]


def _once(text: str) -> str:
    """Write the address of a cluster once where one server is there for all of it."""
    parts = {part.strip() for part in text.split(",")}
    return parts.pop() if len(parts) == 1 and "${" in text else text


def with_variables(service: Service, scene: Scene) -> Service:
    """Name a variable where a command has an address of the system: `--db postgres://db:5432/a`."""
    env: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        flag, between, value = match.groups()[:3]
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-.]", "_", flag.lstrip("-")).upper()
        is_ours = rewritten(name, value, service, scene) != value
        if not is_ours or {**service.env, **env}.get(name, value) != value:
            return match[0]
        env[name] = value
        return f"{flag}{between}${name}"

    run = _FLAG.sub(named, service.run)
    tasks = {name: _FLAG_QUOTED.sub(named, line) for name, line in service.tasks.items()}
    return replace(service, run=run, tasks=tasks, env={**service.env, **env})


def _by_words(value: str, scene: Scene) -> str:
    """Refer to a store in `host=db user=app password=x` and `Server=db;Uid=app;`; "" elsewhere."""
    said = {_PART_OF[match[1].lower()]: match[2] for match in _WORDS.finditer(value)}
    host = said.get("host", "").partition(":")[0]
    store = scene.store_named(host)
    if store is None and (OF_THIS_MACHINE.fullmatch(host) or (host and scene.is_placeholder(host))):
        store = scene.only_database()
    if store is None or not said.keys() & {"user", "password", "database"}:
        return ""

    def referred_part(match: re.Match[str]) -> str:
        output = _PART_OF[match[1].lower()]
        is_address = output == "host" and ":" in match[2]
        reference = servers.reference(store.name, "address" if is_address else output)
        tells_port = output != "host" or is_address or "port" in said
        end = ";" if ";" in value else " "
        port = "" if tells_port else f"{end}port={servers.reference(store.name, 'port')}"
        return f"{match[1]}{match[0][len(match[1]) : -len(match[2])]}{reference}{port}"

    return _WORDS.sub(referred_part, value)


def _with_login(text: str, scene: Scene) -> str:
    """Refer to a store's login where it stands apart from the address that the text has."""
    roots = {*re.findall(r"\$\{(?:stores\.([a-z0-9-]+)|broker)\.", text)}
    store = scene.stores.get(next(iter(roots))) if len(roots) == 1 else None
    if store is None or ".password}" in text:
        return text
    user, password = (servers.reference(store.name, part) for part in ("user", "password"))
    go_mysql = r"^([a-z]\w*://)?[^:@/\s]+:[^@\s]*@(?=(?:tcp)?\()"  # some put a scheme before it
    text = re.sub(go_mysql, rf"\g<1>{user}:{password}@", text)

    def own(match: re.Match[str]) -> str:
        is_password = "password" in match[1].lower()
        said, part = (store.password, password) if is_password else (store.user, user)
        return f"{match[1]}{part}{match[3]}" if match[2] == said else match[0]

    return _LOGIN.sub(own, text)


def _without_a_wait(service: Service, port: str) -> str:
    """Say where a service is that waits for the one that asks: a reference would make a cycle."""
    ports = [str(number) for number in service.ports.values()]
    return f"localhost:{port if port in ports or not ports else ports[0]}"


def _host(other: str, what: str, service: Service, scene: Scene) -> str:
    """Refer to a host (`host`) or to a host with a port (its number)."""
    if store := scene.store_named(other):
        output = "host" if what == "host" else "address"
        return servers.reference(store.name, output, broker=store is scene.broker)
    if other in scene.unknown_hosts:
        return "localhost" if what == "host" else f"localhost:{scene.published(other, what)}"
    if other == service.name or not scene.may_call(service.name, other):
        return "" if what == "host" else _without_a_wait(scene.services[other], what)
    if what == "host":
        return f"${{services.{other}.host}}"
    return f"${{services.{other}.{port_prefix(scene.services[other], what)}address}}"
