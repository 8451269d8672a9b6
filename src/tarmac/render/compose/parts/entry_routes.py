"""Where the entry leads: public hosts and paths as an Ingress has them, and each service alone.

In the words of Traefik's file provider.
"""

from __future__ import annotations

from typing import Any

from tarmac.model.entry import Entry
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.compose.parts import values
from tarmac.render.kubernetes.parts.hosts import hosts

#: In .env, on one line each: the script reads them from their files at each deployment.
CERTIFICATE, KEY = "ENTRY_CERTIFICATE", "ENTRY_KEY"
#: What has certificates by ACME.
RESOLVER = "acme"
#: From here on: a port for each public service, for users of the machine.
LOCAL = 9000
#: While a service has no container, requests wait for its next one: about four seconds in all.
AGAIN = {"attempts": 8, "initialInterval": "400ms"}


def local_name(service: str) -> str:
    """Name the entry point that leads to a service alone."""
    return f"local-{service}"


def local_ports(plan: ClusterPlan) -> dict[str, int]:
    """Find the port of the proxy that leads to each public service alone."""
    return {service.name: LOCAL + n for n, service in enumerate(public(plan), 1)}


def public(plan: ClusterPlan) -> tuple[Workload, ...]:
    """List the services that visitors reach."""
    return tuple(service for service in plan.services if service.routes)


def _rule(host: str, path: str) -> str:
    """Match a path and all below it, as `Prefix` of an Ingress does."""
    below = path.rstrip("/")
    found = f"(Path(`{below}`) || PathPrefix(`{below}/`))" if below else "PathPrefix(`/`)"
    return f"Host(`{host}`) && {found}"


def routes(plan: ClusterPlan, entry: Entry) -> dict[str, Any]:
    """Compute the proxy's routes: each public path, and each service at its local port."""
    routers: dict[str, Any] = {}
    tls: dict[str, Any] = {"certResolver": RESOLVER} if entry.email else {}
    secured = {"entryPoints": ["https"], "tls": tls} if entry.has_tls else {"entryPoints": ["http"]}
    led = hosts(plan)
    for host, paths in led.items():
        for path, name, _ in paths:
            routers[f"{host}{path}"] = {
                "rule": _rule(host, path),
                "priority": len(path),
                "service": name,
                "middlewares": ["again"],
                **secured,
            }
    for service in public(plan):
        routers[f"local {service.name}"] = {
            "rule": "PathPrefix(`/`)",
            "entryPoints": [local_name(service.name)],
            "service": service.name,
            "middlewares": ["again"],
        }
    middlewares: dict[str, Any] = {"again": {"retry": AGAIN}}
    if entry.has_tls:
        moved = {"scheme": "https", "port": str(entry.https), "permanent": True}
        middlewares["to-https"] = {"redirectScheme": moved}
        routers["to https"] = {
            "rule": " || ".join(f"Host(`{host}`)" for host in led),
            "entryPoints": ["http"],
            "service": "noop@internal",
            "middlewares": ["to-https"],
        }
    servers = {
        service.name: {
            "loadBalancer": {"servers": [{"url": f"http://{service.name}:{route.port}"}]}
        }
        for service in public(plan)
        for route in service.routes[:1]
    }
    found: dict[str, Any] = {
        "http": {"routers": routers, "services": servers, "middlewares": middlewares}
    }
    if entry.certificate:
        pair = {"certFile": values.required(CERTIFICATE), "keyFile": values.required(KEY)}
        found["tls"] = {"certificates": [pair], "stores": {"default": {"defaultCertificate": pair}}}
    return found
