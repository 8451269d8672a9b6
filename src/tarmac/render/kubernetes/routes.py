"""The ingress: Gateway API routes or an Ingress, as the environment asks."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.ingress_limits import ingress_limits
from tarmac.render.kubernetes.parts.gateway_api import gateway, routes
from tarmac.render.kubernetes.parts.hosts import hosts, led_by_flagger
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.nginx_limits import nginx_annotations
from tarmac.render.renderer import Renderer

#: What a reader must know of a controller, by its class.
NOTES = {
    "nginx": (
        "The community's ingress-nginx was retired in March 2026. F5's NGINX Ingress Controller",
        "has the same class and serves this as it stands: limits of bodies and rates are annotated",
        "for both. The model's `ingress: {controller: ...}` names another one.",
        "There is no rewrite-target: a path reaches its service unchanged.",
    ),
    "istio": (
        "Istio's gateway reads the certificate's Secret in its own namespace, not in this one.",
    ),
}


def ingress(plan: ClusterPlan) -> Iterable[Artifact]:
    """Make the one Ingress of a system, unless Flagger leads all of its hosts."""
    settings = plan.settings.ingress
    elsewhere = {host for service in plan.services for host in led_by_flagger(plan, service)}
    led = {host: paths for host, paths in hosts(plan).items() if host not in elsewhere}
    if not led:
        return
    tls = {"tls": [{"hosts": list(led), "secretName": settings.tls}]}
    rules = [
        {
            "host": host,
            "http": {
                "paths": [
                    {
                        "path": path,
                        "pathType": "Prefix",
                        "backend": {"service": {"name": name, "port": {"number": port}}},
                    }
                    for path, name, port in paths
                ]
            },
        }
        for host, paths in led.items()
    ]
    spec = {
        "ingressClassName": settings.controller,
        **(tls if settings.tls else {}),
        "rules": rules,
    }
    notes = NOTES.get(settings.controller, ())
    name, body = f"{plan.system}-ingress", {"spec": spec}
    nginx = settings.controller == "nginx"
    limits = nginx_annotations(ingress_limits(plan)) if nginx else None
    api = "networking.k8s.io/v1"
    yield an_object(plan, api, "Ingress", name, body, annotations=limits, notes=notes)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the ingress of the public services; none where there are none."""
    if not hosts(plan):
        return
    if plan.settings.ingress.kind == "ingress":
        yield from ingress(plan)
    else:
        yield gateway(plan)
        yield from routes(plan)


RENDERER = Renderer(
    id="k8s-routes",
    phase="kubernetes",
    title="Gateway and HTTPRoutes, or an Ingress, for the public services",
    render=render,
)
