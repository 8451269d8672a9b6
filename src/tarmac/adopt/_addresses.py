"""The addresses in variables, and which service or store each one means: references in their place.

Called by `_settle`, one service after the other, so that no two services wait for each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from tarmac.adopt import _servers
from tarmac.adopt._dotenv import LONGEST
from tarmac.adopt._found import Service, Store, port_number

#: Addresses for browsers and other people, not for a program to call.
FOR_PEOPLE = re.compile(
    r"ORIGIN|CORS|FRONTEND|CALLBACK|REDIRECT|PUBLIC_URL|ALLOWED|SITE_URL|CLIENT_URL"
)
#: Variables whose values a front end carries into the browser.
BROWSER = re.compile(r"^(VITE_|NEXT_PUBLIC_|REACT_APP_|NUXT_PUBLIC_|PUBLIC_)")
#: What may be the name of a host in a value.
_HOST = re.compile(r"[\w.-]+")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?"
    r"(?P<path>/[^?\s,\"']*)?(?P<query>\?[^\s,\"']*)?"
)
_HERE = ("localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal")


@dataclass(frozen=True)
class ServiceNames:
    """The services by what variables call them, each list in the services' order."""

    #: By the name without `-service` and the like.
    plain: Mapping[str, list[str]]
    #: By each end of that with three characters or more.
    ending: Mapping[str, list[str]]


@dataclass
class Scene:
    """What is known while the services are settled one after the other."""

    services: dict[str, Service]
    stores: dict[str, Store]
    broker: Store | None
    unknown_hosts: dict[str, str]
    kinds: frozenset[str]
    #: No file names the stores: those that the code asks for are added.
    may_add: bool
    waits: dict[str, set[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    #: The code of one names the host of another.
    names: bool = False

    def may_call(self, source: str, target: str) -> bool:
        """Note that one calls the other, unless that one waits for it already."""
        seen, todo = set(), [target]
        while todo:
            name = todo.pop()
            if name == source:
                return False
            seen.add(name)
            todo += self.waits.get(name, set()) - seen
        self.waits.setdefault(source, set()).add(target)
        return True

    @cached_property
    def called(self) -> ServiceNames:
        """Find services by what variables call them; which services there are does not change."""
        plain: dict[str, list[str]] = {}
        ending: dict[str, list[str]] = {}
        for name in self.services:
            text = re.sub(r"-?(service|svc|server|app)$", "", name).replace("-", "")
            plain.setdefault(text, []).append(name)
            for start in range(len(text) - 2):
                ending.setdefault(text[start:], []).append(name)
        return ServiceNames(plain, ending)

    @cached_property
    def _by_word(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.services:
            found.setdefault(_word(name), []).append(name)
        return found

    def hosts_in(self, value: str) -> list[str]:
        """List the names of services, stores and hosts that may be in a value, longest first."""
        words = {_word(word) for word in (*_HOST.findall(value), value, value.lower())}
        names = [*self.stores, *self.unknown_hosts]
        if self.broker is not None:
            names.append(self.broker.name)
        found = [name for word in words for name in self._by_word.get(word, ())]
        found += [name for name in names if _word(name) in words or not _HOST.fullmatch(name)]
        return sorted(found, key=lambda name: (-len(name), name))

    def find_store(self, kind: str) -> Store | None:
        """Find the store or broker of a kind."""
        if self.broker is not None and self.broker.kind == kind:
            return self.broker
        return next((store for store in self.stores.values() if store.kind == kind), None)


def _word(name: str) -> str:
    return name.replace("-", "_")


def rewritten(name: str, value: str, service: Service, scene: Scene) -> str:
    """Replace the hosts of services and stores in a value, if it is short, by references."""
    if len(value) > LONGEST:
        return value
    result = _URL.sub(lambda match: _url(name, match, service, scene), value)
    if result != value:
        return result
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
    return result


def _url(name: str, match: re.Match[str], service: Service, scene: Scene) -> str:
    scheme, host, port = match["scheme"], match["host"], match["port"] or ""
    path, query = match["path"] or "", match["query"] or ""
    server = _servers.of_scheme(scheme)
    store = _store_named(host, scene)
    if store is None and host in _HERE and server is not None and scene.may_add:
        store = store_for(server, service, scene)
    if store is not None and server is not None:
        return _store_url(store, scheme, path, _plain(query), scene)
    output = _servers.http_output(store.kind) if store is not None else ""
    if store is not None and scheme in ("http", "https") and output:
        return f"{_servers.reference(store.name, output)}{path}{query}"
    if host in scene.unknown_hosts:
        there = f":{scene.unknown_hosts[host] or port}" if scene.unknown_hosts[host] or port else ""
        before = match[0][: match.start("host") - match.start()]
        return f"{before}localhost{there}{path}{query}"
    target = host if host in scene.services else ""
    if host in _HERE and port:
        target, prefix = _published(int(port), scene)
        # With localhost in a container, or an origin, the address that browsers see is meant.
        if target and scheme == "http" and (not scene.may_add or FOR_PEOPLE.search(name)):
            return f"${{services.{target}.{prefix}public_url}}{path}{query}"
    if target and scheme == "http" and BROWSER.match(name):
        prefix = _port_prefix(scene.services[target], port)
        return f"${{services.{target}.{prefix}public_url}}{path}{query}"
    if target and target != service.name and scene.may_call(service.name, target):
        output = _port_prefix(scene.services[target], port)
        base = (
            f"${{services.{target}.{output}url}}"
            if scheme == "http"
            else f"{scheme}://${{services.{target}.{output}address}}"
        )
        return base + path + query
    if target:
        own = scene.services[target]
        return f"{scheme}://localhost:{next(iter(own.ports.values()), port)}{path}{query}"
    return match[0]


def _plain(query: str) -> str:
    """Leave out of an address that it is to be encrypted: here it never leaves the machine."""
    said = (word for word in query.removeprefix("?").split("&") if word)
    left = [w for w in said if not re.match(r"(?:tls|ssl)\w*=(?!disable|false)", w)]
    return f"?{'&'.join(left)}" if left else ""


def _published(number: int, scene: Scene) -> tuple[str, str]:
    """Find the service that people reach at a number, and the prefix of that port's outputs."""
    for service in scene.services.values():
        for position, (name, port) in enumerate(service.ports.items()):
            if port == number:
                return service.name, f"{name}_" if position else ""
    return "", ""


def _store_url(store: Store, scheme: str, path: str, query: str, scene: Scene) -> str:
    is_broker = store is scene.broker
    root = "broker" if is_broker else f"stores.{store.name}"
    server = _servers.of_scheme(scheme)
    named = _servers.of_kind(store.kind).shows.path_is_database
    plain = scheme in (server.shows.schemes if server else ()) and not scheme.startswith("jdbc")
    default = path in ("", "/", "/0") or named
    if plain and default:
        return f"${{{root}.url}}{query}"
    where = f"${{{root}.host}}:${{{root}.port}}"
    if not scheme.startswith("jdbc"):
        where = f"${{{root}.user}}:${{{root}.password}}@{where}"
    if named:
        path = f"/${{{root}.database}}"
    return f"{scheme}://{where}{path}{query}"


def _store_named(host: str, scene: Scene) -> Store | None:
    if scene.broker is not None and scene.broker.name == host:
        return scene.broker
    return scene.stores.get(host) or scene.stores.get(host.lower().replace("_", "-"))


def _port_prefix(service: Service, port: str) -> str:
    """Return a port's prefix in references: empty for the first one."""
    name = service.known_as.get(port_number(port))
    first = next(iter(service.ports), "http")
    return f"{name}_" if name and name != first else ""


def _host(other: str, what: str, service: Service, scene: Scene) -> str:
    """Refer to a host (`host`) or to a host with a port (its number)."""
    if store := _store_named(other, scene):
        output = "host" if what == "host" else "address"
        return _servers.reference(store.name, output, broker=store is scene.broker)
    if other in scene.unknown_hosts:
        return "localhost" if what == "host" else f"localhost:{scene.unknown_hosts[other] or what}"
    if other == service.name or not scene.may_call(service.name, other):
        return ""
    if what == "host":
        return f"${{services.{other}.host}}"
    return f"${{services.{other}.{_port_prefix(scene.services[other], what)}address}}"


def store_for(server: _servers.Server, service: Service, scene: Scene) -> Store | None:
    """Add the store that a program's code asks for."""
    if server.kind not in scene.kinds:
        return None
    if known := scene.find_store(server.kind):
        return known
    name = server.shows.store_name or server.kind
    store = Store(name, server.kind, remarks=(f"{service.name} asks for it",))
    if store.name in scene.services:
        store = replace(store, name=f"{store.name}-store")
    if server.broker:
        scene.broker = store
    else:
        scene.stores[store.name] = store
    return store
