"""The entry under Compose: a proxy's container, its routes, and what writes them where it reads.

The proxy is Traefik with its file provider: it has no socket of Docker's. Its routes are in a
volume that only the service `entry-routes` writes, by a rename, so that it reads whole files and
takes new routes and certificates without a restart. `run.compose.entry` has it lead elsewhere while
a service is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tarmac.base import versions
from tarmac.model.edge import ENTRY
from tarmac.model.entry import Entry
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.compose.parts import services as c
from tarmac.render.compose.parts.entry_routes import (
    RESOLVER,
    local_name,
    local_ports,
    public,
    routes,
)
from tarmac.render.compose.parts.order import ALL, entry_network

#: The service that writes the routes, and the variables that it reads.
ROUTES = f"{ENTRY}-routes"
WRITTEN, PINNED = "ROUTES", "PINNED"
#: Anyone but root; ports above 1023 need no capability.
USER = 65534
HTTP, HTTPS, PING = 8080, 8443, 8082
FOLDER, STATE = "/routes", "/certificates"
#: The certificates that it has by ACME.
STORED = f"{STATE}/acme.json"
MEMORY = "256m"
#: Requests in flight when it is asked to end.
GRACE_S = 15
#: A service that ends takes its idle connections with it; most servers keep them for 2 s and more.
IDLE_S = 1
WRITE = (
    "set -eu; cd {folder}; rm -f routes.new; umask 077; "
    'printf %s "$ROUTES" | sed "$PINNED" >routes.new; '
    "chown {user}:{user} routes.new; mv -f routes.new routes.yaml{more}"
)


def _options(plan: ClusterPlan, entry: Entry) -> list[str]:
    """Write what the proxy is told at its start."""
    listens = {"http": f":{HTTP}", "https": f":{HTTPS}", "ping": f"127.0.0.1:{PING}"}
    if not entry.has_tls:
        del listens["https"]
    listens |= {local_name(name): f":{port}" for name, port in local_ports(plan).items()}
    found = [f"--entrypoints.{name}.address={where}" for name, where in listens.items()]
    found += [
        "--ping.entrypoint=ping",
        f"--providers.file.filename={FOLDER}/routes.yaml",
        "--providers.providersthrottleduration=100ms",
        f"--serverstransport.forwardingtimeouts.idleconntimeout={IDLE_S}s",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.format=json",
        "--accesslog.format=json",
    ]
    if entry.email:
        own = f"--certificatesresolvers.{RESOLVER}.acme"
        found += [f"{own}.email={entry.email}", f"{own}.storage={STORED}"]
        found += [f"{own}.httpchallenge.entrypoint=http"]
        found += [f"{own}.caserver={entry.issuer}"] if entry.issuer else []
    return found


def _ports(plan: ClusterPlan, entry: Entry) -> list[dict[str, Any]]:
    at = {"host_ip": entry.address} if entry.address else {}
    pairs = {HTTP: entry.http, **({HTTPS: entry.https} if entry.has_tls else {})}
    found = [{"target": inside, "published": str(port), **at} for inside, port in pairs.items()]
    local = local_ports(plan).values()
    return [*found, *({"target": port, "host_ip": "127.0.0.1"} for port in local)]


def services(plan: ClusterPlan, entry: Entry, logging: Mapping[str, Any]) -> dict[str, Any]:
    """Make the proxy, and the service that writes its routes."""
    image = versions.read().image("traefik")
    state = [f"{STATE[1:]}-{ENTRY}:{STATE}"] if entry.email else []
    ping = ["--ping.entrypoint=ping", f"--entrypoints.ping.address=127.0.0.1:{PING}"]
    times = {"interval": "3s", "timeout": "3s", "start_period": "30s", "retries": 5}
    proxy = {
        "image": image,
        "profiles": [ALL],
        "read_only": True,
        "tmpfs": ["/tmp:mode=1777,size=16m"],  # noqa: S108 - in the container
        "command": _options(plan, entry),
        "user": f"{USER}:{USER}",
        "volumes": [f"{FOLDER[1:]}-{ENTRY}:{FOLDER}:ro", *state],
        "depends_on": {ROUTES: {"condition": "service_completed_successfully"}},
        "healthcheck": {"test": ["CMD", "traefik", "healthcheck", *ping], **times},
        "networks": [entry_network(service.name) for service in public(plan)],
        "ports": _ports(plan, entry),
        "stop_grace_period": f"{GRACE_S}s",
        "restart": "unless-stopped",
        "deploy": {"resources": {"limits": {"memory": MEMORY}}},
        "logging": logging,
        **c.SECURITY,
    }
    more = f"; chown {USER}:{USER} {STATE}" if state else ""
    text = json.dumps(routes(plan, entry))
    write = WRITE.format(folder=FOLDER, user=USER, more=more).replace("$", "$$")
    writer = {
        "image": image,
        "profiles": [ALL],
        "entrypoint": ["/bin/sh", "-c", write],
        "command": [],
        "user": "0:0",
        "environment": {WRITTEN: text, PINNED: ""},
        # What they lead to is there before the proxy.
        "depends_on": c.depends(plan, [service.name for service in public(plan)]),
        "network_mode": "none",
        "volumes": [f"{FOLDER[1:]}-{ENTRY}:{FOLDER}", *state],
        "restart": "no",
        **c.SECURITY,
        "cap_add": ["CHOWN"],
    }
    return {ENTRY: proxy, ROUTES: writer}


def volumes(entry: Entry) -> dict[str, Any]:
    """Declare its volumes."""
    return {f"{path[1:]}-{ENTRY}": {} for path in (FOLDER, *([STATE] if entry.email else []))}
