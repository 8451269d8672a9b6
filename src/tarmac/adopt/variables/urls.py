"""Which reference takes the place of a URL: of a store, a service, or none.

The rules are asked in their order; the first one that knows the URL writes what it becomes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, Store, is_of_private_network
from tarmac.adopt.survey.scene import Scene, port_prefix, store_for
from tarmac.adopt.variables.code import ADDRESS

#: Addresses for browsers and other people, not for a program to call.
FOR_PEOPLE = re.compile(
    r"ORIGIN|CORS|FRONTEND|CALLBACK|REDIRECT|PUBLIC_URL|ALLOWED|SITE_URL|CLIENT_URL"
)
#: Files of front ends' servers for work, and the paths that those hand on to another server.
_FRONT_ENDS = ("vite.config", "vue.config", "next.config", "nuxt.config")
_HANDED_ON = re.compile(
    r"['\"]\^?(/[\w/-]*\w)[^'\"\n]*['\"][ \t]*:[ \t]*(?:\{|['\"`])|"
    r"\bsource:[ \t]*['\"](/[\w/-]*\w)/?[:(]"
)
#: Variables whose values a front end carries into the browser.
BROWSER = re.compile(r"^(VITE_|NEXT_PUBLIC_|REACT_APP_|NUXT_PUBLIC_|PUBLIC_)")
URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^/\s]*@)?(?P<host>[\w.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/[^?\s,\"']*)?(?P<query>\?[^\s,\"']*)?"
)
_HERE = ("localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal", "host.minikube.internal")


@dataclass(frozen=True)
class _Address:
    """A URL in a variable of a service."""

    variable: str
    match: re.Match[str]
    service: Service
    scene: Scene
    #: It stands in the program's code.
    by_code: bool

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
    def named(self) -> str:
        """The one service that the variable names, whatever its number is; "" for none."""
        match = ADDRESS.match(BROWSER.sub("", self.variable))
        stem = re.sub(r"_?(SERVICE|SVC|SERVER|APP)$", "", match[1]) if match else ""
        found = self.scene.called.plain.get(stem.lower().replace("_", ""), ()) if stem else ()
        found = [name for name in found if self.scene.services[name].ports]
        return found[0] if len(found) == 1 and not FOR_PEOPLE.search(self.variable) else ""

    @property
    def target(self) -> str:
        """The service that it leads to; "" for none."""
        if self.host in _HERE and self.port:
            return self.named or _published(int(self.port), self.scene)[0]
        return self.host if self.host in self.scene.services else ""


def referred(
    variable: str, match: re.Match[str], service: Service, scene: Scene, by_code: bool
) -> str:
    """Write what a URL becomes: with a reference, or as it is."""
    address = _Address(variable, match, service, scene, by_code)
    return next(filter(None, (rule(address) for rule in RULES)), match[0])


def _of_a_store(address: _Address) -> str:
    """A store, by its own protocol; one that the code asks for on this machine is added."""
    server, scene = servers.of_scheme(address.scheme), address.scene
    if server is None:
        return ""
    store = scene.store_named(address.host)
    is_here = address.host in _HERE or is_of_private_network(address.host)
    if store is None and is_here and scene.adds(server):
        store = store_for(server, address.service, scene, address.port)
    elif store is None and is_here:
        # In a container that is nothing; it is for those who start the program beside its store.
        own = scene.own_store(server.kind, address.service)
        store = own if address.by_code else scene.only_store(server.kind)
    elif store is None and scene.is_placeholder(address.host):
        store = scene.only_store(server.kind)
        if store is None and scene.adds(server):
            store = store_for(server, address.service, scene)
    asked = address.match["query"] or ""
    path, query = address.match["path"] or "", _plain(asked)
    is_database = store is not None and servers.of_kind(store.kind).shows.path_is_database
    is_told = is_database and not scene.is_placeholder(address.host)
    if store is not None and is_told and "TEST" not in address.variable:
        store = scene.with_database(store, path.strip("/"))
    if store is not None and address.scheme.startswith("jdbc") and re.search(r"[?&]user=", asked):
        login = f"?user=${{stores.{store.name}.user}}&password=${{stores.{store.name}.password}}"
        query = f"{login}&{query[1:]}" if query else login  # it has no other place here
    return _store_url(store, address.scheme, path, query, scene) if store is not None else ""


def _of_a_store_over_http(address: _Address) -> str:
    store = address.scene.store_named(address.host)
    if store is None and address.host in _HERE and address.port:
        known = address.scene.stores.values()
        at = [one for one in known if one.published == int(address.port)]
        store = at[0] if len(at) == 1 else None
    output = servers.http_output(store.kind) if store is not None else ""
    if store is None or not output or address.scheme not in ("http", "https"):
        return ""
    return f"{servers.reference(store.name, output)}{address.rest}"


def _of_an_unknown_host(address: _Address) -> str:
    """What is not started here is expected on localhost."""
    unknown, match = address.scene.unknown_hosts, address.match
    if address.host not in unknown:
        return ""
    port = address.scene.published(address.host, address.port)
    before = match[0][: match.start("host") - match.start()]
    return f"{before}localhost{f':{port}' if port else ''}{address.rest}"


def _of_a_published_port(address: _Address) -> str:
    """With localhost in a container, or an origin, the address that browsers see is meant."""
    if address.host not in _HERE or not address.port or address.scheme != "http":
        return ""
    target, prefix = _published(int(address.port), address.scene)
    target, prefix = (address.named, "") if address.named not in ("", target) else (target, prefix)
    if target and address.scene.services[target].of_others:
        return _of_a_called_service(address)  # people do not reach it
    if not target or (address.scene.may_add and not FOR_PEOPLE.search(address.variable)):
        return ""
    return f"${{services.{target}.{prefix}public_url}}{address.rest}"


def _for_a_browser(address: _Address) -> str:
    target = address.target
    if not target or address.scheme != "http" or not BROWSER.match(address.variable):
        return ""
    prefix = port_prefix(address.scene.services[target], address.port)
    return f"${{services.{target}.{prefix}public_url}}{address.rest}"


def _of_a_called_service(address: _Address) -> str:
    target, own = address.target, address.service.name
    if not target or target == own or not address.scene.may_call(own, target):
        return ""
    output = port_prefix(address.scene.services[target], address.port)
    base = f"{address.scheme}://${{services.{target}.{output}address}}"
    if address.scheme == "http":
        base = f"${{services.{target}.{output}url}}"
    return base + address.rest


def _of_a_service_that_waits_for_it(address: _Address) -> str:
    """The service itself, or one that calls it: references would make a cycle."""
    if not address.target:
        return ""
    ports = address.scene.services[address.target].ports
    return f"{address.scheme}://localhost:{next(iter(ports.values()), address.port)}{address.rest}"


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
    """Leave out of an address a login and where it is known, and that it is encrypted.

    It never leaves the machine; and the server here is one alone, of no set.
    """
    said = (word for word in query.removeprefix("?").split("&") if word)
    out = (
        r"(?:tls|ssl)\w*=(?!disable|false)|(?:user|username|password)=|"
        r"(?:authSource|authMechanism|replicaSet|retryWrites)="
    )
    left = [w for w in said if not re.match(out, w)]
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
    server = servers.of_scheme(scheme)
    shows = servers.of_kind(store.kind).shows
    named = shows.path_is_database
    plain = scheme in (server.shows.schemes if server else ()) and not scheme.startswith("jdbc")
    default = path in ("", "/", "/0") or named or shows.path_is_fixed
    if plain and default:
        joined = f"{shows.before_options}{query[1:]}" if query else ""
        return f"${{{root}.url}}{joined}"
    where = f"${{{root}.host}}:${{{root}.port}}"
    if not scheme.startswith("jdbc"):
        where = f"${{{root}.user}}:${{{root}.password}}@{where}"
    if named:
        path = f"/${{{root}.database}}"
    return f"{scheme}://{where}{path}{query}"


def handed_on(folder: Folder) -> frozenset[str]:
    """List the paths that a front end's server for work hands on: `proxy: {"/api": {...}}`."""
    files = (f for f in folder.files if f.rpartition(".")[0] in _FRONT_ENDS)
    found = (match for f in files for match in _HANDED_ON.finditer(folder.read(f)))
    return frozenset(match[1] or match[2] for match in found)
