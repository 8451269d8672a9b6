"""Which reference takes the place of a URL: of a store, a service, or none.

The rules are asked in their order; the first one that knows the URL writes what it becomes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tarmac.adopt import _servers
from tarmac.adopt._found import Service, Store
from tarmac.adopt._scene import Scene, port_prefix, store_for

#: Addresses for browsers and other people, not for a program to call.
FOR_PEOPLE = re.compile(
    r"ORIGIN|CORS|FRONTEND|CALLBACK|REDIRECT|PUBLIC_URL|ALLOWED|SITE_URL|CLIENT_URL"
)
#: Variables whose values a front end carries into the browser.
BROWSER = re.compile(r"^(VITE_|NEXT_PUBLIC_|REACT_APP_|NUXT_PUBLIC_|PUBLIC_)")
URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?"
    r"(?P<path>/[^?\s,\"']*)?(?P<query>\?[^\s,\"']*)?"
)
_HERE = ("localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal")


@dataclass(frozen=True)
class _Found:
    """A URL in a variable of a service."""

    variable: str
    match: re.Match[str]
    service: Service
    scene: Scene

    @property
    def scheme(self) -> str:
        """Its scheme."""
        return self.match["scheme"]

    @property
    def host(self) -> str:
        """Its host."""
        return self.match["host"]

    @property
    def port(self) -> str:
        """Its port; "" without one."""
        return self.match["port"] or ""

    @property
    def rest(self) -> str:
        """Its path and query."""
        return f"{self.match['path'] or ''}{self.match['query'] or ''}"

    @property
    def target(self) -> str:
        """The service that it leads to; "" for none."""
        if self.host in _HERE and self.port:
            return _published(int(self.port), self.scene)[0]
        return self.host if self.host in self.scene.services else ""


def referred(variable: str, match: re.Match[str], service: Service, scene: Scene) -> str:
    """Write what a URL becomes: with a reference, or as it is."""
    found = _Found(variable, match, service, scene)
    return next(filter(None, (rule(found) for rule in RULES)), match[0])


def _of_a_store(found: _Found) -> str:
    """A store, by its own protocol; one that the code asks for on this machine is added."""
    server, scene = _servers.of_scheme(found.scheme), found.scene
    if server is None:
        return ""
    store = scene.store_named(found.host)
    if store is None and found.host in _HERE and scene.may_add:
        store = store_for(server, found.service, scene)
    path, query = found.match["path"] or "", _plain(found.match["query"] or "")
    return _store_url(store, found.scheme, path, query, scene) if store is not None else ""


def _of_a_store_over_http(found: _Found) -> str:
    store = found.scene.store_named(found.host)
    output = _servers.http_output(store.kind) if store is not None else ""
    if store is None or not output or found.scheme not in ("http", "https"):
        return ""
    return f"{_servers.reference(store.name, output)}{found.rest}"


def _of_an_unknown_host(found: _Found) -> str:
    """What is not started here is expected on localhost."""
    unknown, match = found.scene.unknown_hosts, found.match
    if found.host not in unknown:
        return ""
    port = unknown[found.host] or found.port
    before = match[0][: match.start("host") - match.start()]
    return f"{before}localhost{f':{port}' if port else ''}{found.rest}"


def _of_a_published_port(found: _Found) -> str:
    """With localhost in a container, or an origin, the address that browsers see is meant."""
    if found.host not in _HERE or not found.port or found.scheme != "http":
        return ""
    target, prefix = _published(int(found.port), found.scene)
    if not target or (found.scene.may_add and not FOR_PEOPLE.search(found.variable)):
        return ""
    return f"${{services.{target}.{prefix}public_url}}{found.rest}"


def _for_a_browser(found: _Found) -> str:
    target = found.target
    if not target or found.scheme != "http" or not BROWSER.match(found.variable):
        return ""
    prefix = port_prefix(found.scene.services[target], found.port)
    return f"${{services.{target}.{prefix}public_url}}{found.rest}"


def _of_a_called_service(found: _Found) -> str:
    target, own = found.target, found.service.name
    if not target or target == own or not found.scene.may_call(own, target):
        return ""
    output = port_prefix(found.scene.services[target], found.port)
    base = f"{found.scheme}://${{services.{target}.{output}address}}"
    if found.scheme == "http":
        base = f"${{services.{target}.{output}url}}"
    return base + found.rest


def _of_a_service_that_waits_for_it(found: _Found) -> str:
    """The service itself, or one that calls it: a reference would go in a circle."""
    if not found.target:
        return ""
    ports = found.scene.services[found.target].ports
    return f"{found.scheme}://localhost:{next(iter(ports.values()), found.port)}{found.rest}"


RULES = (
    _of_a_store,
    _of_a_store_over_http,
    _of_an_unknown_host,
    _of_a_published_port,
    _for_a_browser,
    _of_a_called_service,
    _of_a_service_that_waits_for_it,
)


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
