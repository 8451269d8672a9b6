"""Traffic that Flagger divides: the Services that it makes of a service, hosts and gateway."""

from __future__ import annotations

from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.hosts import led_by_flagger
from tarmac.render.kubernetes.parts.metadata import NAME, an_object, labels
from tarmac.render.mesh.parts.traffic_policy import traffic_policy

#: The pods that serve Ingresses of the class istio, where its configuration names no others.
INGRESS_PODS = {"istio": "ingressgateway"}


def traffic(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Return where the traffic of a canary comes from."""
    (name, port), *others = workload.ports.items()
    found: dict[str, Any] = {"port": port, "targetPort": port, "portName": name}
    if plan.settings.mesh:
        # Of the DestinationRules that it makes; its kind knows no limit of connections.
        policy = traffic_policy()
        del policy["connectionPool"]["tcp"]
        found["trafficPolicy"] = policy
    if others:
        found["portDiscovery"] = True
    # By it the ServiceMonitor finds the two versions' Services. That of both has it not: what is
    # scraped by it would be counted twice.
    own = labels(plan, workload.name, workload.role)
    found |= {"primary": {"labels": own}, "canary": {"labels": own}}
    own = {key: value for key, value in own.items() if key != NAME}
    found["apex"] = {"labels": own}
    if public := led_by_flagger(plan, workload):
        gateway = f"{plan.namespace}/{gateway_name(workload)}"
        # Inside it serves every path; from outside only what is public.
        paths = sorted({p for r in workload.routes if r.host in public for p in r.paths})
        found |= {
            "gateways": [gateway, "mesh"],
            "hosts": [*public, workload.name],
            "match": [
                *({"gateways": [gateway], "uri": {"prefix": path}} for path in paths),
                {"gateways": ["mesh"]},
            ],
        }
    else:
        found |= {"gateways": ["mesh"], "hosts": [workload.name]}
    return found


def gateway_name(workload: Workload) -> str:
    """Name the gateways of a service's own hosts."""
    return f"{workload.name}-hosts"


def gateway(plan: ClusterPlan, workload: Workload, public: tuple[str, ...]) -> Artifact:
    """Open the ingress for hosts that the Ingress leaves to Flagger."""
    tls = plan.settings.ingress.tls
    bound = [f"{plan.namespace}/{host}" for host in public]
    plain: dict[str, Any] = {
        "port": {"number": 80, "name": "http", "protocol": "HTTP"},
        "hosts": bound,
    }
    secure = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": bound,
        "tls": {"mode": "SIMPLE", "credentialName": tls},
    }
    servers = [{**plain, "tls": {"httpsRedirect": True}}, secure] if tls else [plain]
    body = {"spec": {"selector": INGRESS_PODS, "servers": servers}}
    kind, name = "Gateway", gateway_name(workload)
    return an_object(plan, "networking.istio.io/v1", kind, name, body, of=workload)
