"""How requests enter the tests' cluster: Traefik, as a Gateway's controller and in nginx' place.

Its certificates are those that cert-manager issues for the rendered Certificates.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import string
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import aiohttp
import built
import cluster_issuing
import kube_trees
import yaml
from cluster import Cluster
from deployed import DeployedSystem
from rendered import plan_of

from tarmac.render.kubernetes.parts.hosts import hosts

MANIFESTS = Path(__file__).parents[1] / "cluster" / "entry.yaml"
GET = "there is no Traefik; run .ci/traefik (`make tools`)"
#: What an Ingress and a route say of plain HTTP.
MOVED = (308, 301)
API = "gateway.networking.k8s.io"
#: Rendered for nginx and for Istio: the classes are there, and both are Traefik's here.
CLASSES = (
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    },
    {
        "apiVersion": f"{API}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "istio"},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
    },
)
BOTH = (
    "--entrypoints.web.address=:80",
    "--entrypoints.secure.address=:443",
    "--entrypoints.traefik.address=:8080",
    "--ping=true",
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
)
INGRESS = "ingress-nginx"
#: The namespaces in which rendered policies expect the pods of an entry, and what it reads there.
ENTRIES = {
    "istio-ingress": ("--providers.kubernetesgateway=true",),
    INGRESS: (
        "--providers.kubernetesingressnginx=true",
        "--providers.kubernetesingressnginx.httpentrypoint=web",
        "--providers.kubernetesingressnginx.httpsentrypoint=secure",
    ),
}
VERSIONS = (
    *(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1),
    *(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
)
#: Between two requests of a visitor: a gateway lets so many in from one address.
VISIT_S = 0.4
#: Below a public path: what a careless entry would decode or cut off.
DEEP = "/deep/er/a%20b%2Fc?x=1&x=2"


def program() -> Path | None:
    """Find Traefik."""
    return built.newest("traefik-*/bin/traefik")


def prepare(cluster: Cluster) -> bytes | None:
    """Have the kinds that are rendered for the entry, and an authority; returns its certificate.

    Before systems are deployed. None, and without effect, where something of it is not there.
    """
    issuing = cluster_issuing.home()
    if program() is None or issuing is None or not kube_trees.are_fetched():
        return None
    root = cluster_issuing.begin(cluster, issuing)
    known = kube_trees.definitions().items()
    cluster.apply([definition for (group, _), definition in known if group == API])
    cluster.apply([kube_trees.namespace(namespace, {}) for namespace in ENTRIES])
    return root


def encrypt(system: DeployedSystem, root: bytes) -> None:
    """Have a system's environment for a small cluster ask for TLS, of the tests' authority."""
    tls = f"tls: {system.system}-tls, issuer: tests}}"
    if system.system == "shop":  # by its Gateway, which needs no word
        domain = "    domain: shop.localhost\n"
        system.edit(domain, f"{domain}    ingress: {{{tls}\n")
    else:
        system.edit("namespace: ingress-nginx}", f"namespace: ingress-nginx, {tls}")
    (system.folder / "authority.crt").write_bytes(root)


def routes(system: str) -> list[tuple[str, str, str]]:
    """List what is public of a system: host, path, and the service that answers."""
    led = hosts(plan_of(system, "kind")).items()
    return [(host, path, service) for host, paths in led for path, service, _ in paths]


async def said(session: aiohttp.ClientSession, url: str) -> tuple[Any, ...]:
    """Ask, and return what does not change from one answer to the next."""
    async with session.get(url, allow_redirects=False) as answer:
        content = await answer.text()
        kind = answer.headers.get("Content-Type", "")
    if kind == "application/problem+json":
        problem = json.loads(content)
        content = f"{problem['code']} {problem['instance']}"
    if kind.startswith("text/html"):  # a page has a new nonce each time, and prices of the moment
        content = ""
    return answer.status, kind, content


@dataclass(frozen=True)
class Entry:
    """The way into a system."""

    system: DeployedSystem
    #: This machine's ports that lead to it.
    http: int
    https: int

    def url(self, host: str, path: str = "", *, scheme: str = "https") -> str:
        """Give an address at a public host, for a session that `asking` gives."""
        port = self.https if scheme == "https" else self.http
        return f"{scheme}://{host}:{port}{path}"

    def is_led(self) -> bool:
        """Tell whether Traefik has read the system's routes: plain HTTP is sent elsewhere then."""
        host, paths = next(iter(hosts(plan_of(self.system.system, "kind")).items()))
        with contextlib.closing(HTTPConnection("127.0.0.1", self.http, timeout=5)) as connection:
            try:
                connection.request("GET", paths[0][0], headers={"Host": host})
                return connection.getresponse().status in MOVED
            except (OSError, HTTPException):  # no node leads there yet
                return False

    async def unchanged(self) -> int:
        """Ask each public path, and one below it, here and at its service; count the answers.

        Raises AssertionError where two answers differ.
        """
        compared = 0
        async with self.asking() as session:
            for host, path, service in routes(self.system.system):
                direct = self.system.url(service)
                for asked in (path, f"{path.rstrip('/')}{DEEP}"):
                    through = await said(session, self.url(host, asked))
                    assert through == await said(session, f"{direct}{asked}"), (host, asked)
                    compared += 1
        return compared

    def certificate(self, host: str) -> bytes:
        """Return the certificate that clients of a host are shown."""
        context = ssl.create_default_context(cafile=self.system.folder / "authority.crt")
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            return wrapped.getpeercert(binary_form=True) or b""

    def spoken(self, host: str) -> list[ssl.TLSVersion]:
        """List the versions of TLS that a host takes from a client that has no other."""
        return [version for version in VERSIONS if self._speaks(host, version)]

    def _speaks(self, host: str, version: ssl.TLSVersion) -> bool:
        context = ssl.create_default_context(cafile=self.system.folder / "authority.crt")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is asked of the old ones, too
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with (
                socket.create_connection(("127.0.0.1", self.https), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=host),
            ):
                return True
        except ssl.SSLError as error:
            if "PROTOCOL_VERSION" not in str(error.reason):
                raise
            return False

    @asynccontextmanager
    async def asking(self, *, trusted: bool = True) -> AsyncIterator[aiohttp.ClientSession]:
        """Ask as a user, whom names lead here, and who may trust the tests' authority."""
        file = self.system.folder / "authority.crt" if trusted else None
        tls = ssl.create_default_context(cafile=file)
        connector = aiohttp.TCPConnector(resolver=Here(), ssl=tls)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    @asynccontextmanager
    async def visited(self, host: str, path: str) -> AsyncIterator[Counter[int | str]]:
        """Ask by two clients as long as the block runs; count what they are answered."""
        answers = Counter[int | str]()
        ended = asyncio.Event()

        async def visit(session: aiohttp.ClientSession) -> None:
            while not ended.is_set():
                try:
                    async with session.get(self.url(host, path)) as answer:
                        await answer.read()
                        answers[answer.status] += 1
                except (aiohttp.ClientError, TimeoutError) as error:
                    answers[type(error).__name__] += 1
                await asyncio.sleep(VISIT_S)

        async with self.asking() as session:
            visitors = [asyncio.create_task(visit(session)) for _ in range(2)]
            try:
                yield answers
            finally:
                ended.set()
                await asyncio.gather(*visitors)


class Here(aiohttp.abc.AbstractResolver):
    """Leads each name to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None:
        """Keep nothing."""


def begin(cluster: Cluster, systems: Collection[DeployedSystem]) -> dict[str, Entry]:
    """Start the entries once their certificates are there, and give each system's."""
    traefik = program()
    assert traefik is not None
    known = cluster.kubectl("get", "ingressclass,gatewayclass", "--output=name")
    # In a mesh the class of Gateways is Istio's own.
    given: list[Any] = [one for one in CLASSES if f"/{one['metadata']['name']}\n" not in known]
    spaces = {}
    for system in systems:
        cluster_issuing.until_issued(system)
        gateways = system.rendered("Gateway")
        spaces[system.system] = gateways[0]["metadata"]["namespace"] if gateways else INGRESS
    text = string.Template(MANIFESTS.read_text())
    for space in sorted(set(spaces.values())):
        args = json.dumps([*BOTH, *ENTRIES[space]])
        own = text.substitute(NAMESPACE=space, ARGS=args, PROGRAMS=traefik.parent)
        given.extend(yaml.safe_load_all(own))
    cluster.apply(given)
    ports = {}
    for space in sorted(set(spaces.values())):
        where = f"--namespace={space}"
        cluster.kubectl("rollout", "status", "deployment/traefik", where, "--timeout=120s")
        address = cluster.read("service", "traefik", where)["spec"]["clusterIP"]
        ports[space] = cluster.reach(address, 80), cluster.reach(address, 443)
    entries = {system.system: Entry(system, *ports[spaces[system.system]]) for system in systems}
    for entry in entries.values():
        entry.system.until(entry.is_led)
    return entries
