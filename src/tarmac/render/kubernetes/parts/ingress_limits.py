"""What an ingress controller of the class nginx lets through: the limits of the services behind it.

Both controllers of that class read the same Ingress, each its own annotations: the community's
ingress-nginx `nginx.ingress.kubernetes.io/...`, F5's `nginx.org/...`. Each ignores the other's.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.plan.cluster import ClusterPlan, Workload

#: What a service of the kit does by itself (`tarmac_kit.limits`), and what another one is given.
DEFAULTS = {
    "MAX_BODY_BYTES": 1024 * 1024,
    "RATE_LIMIT_PER_MINUTE": 60_000,
    "RATE_LIMIT_BURST": 2_000,
}


def _largest(services: Iterable[Workload], name: str) -> int:
    """Find the largest value that a service has; 0, which is no limit, is larger than any."""
    values = []
    for service in services:
        given = service.env.get(name)
        text = "".join(map(str, given.value)) if given else ""
        values.append(int(text) if text.isdigit() else DEFAULTS[name])
    return 0 if 0 in values else max(values)


def nginx_limits(plan: ClusterPlan) -> dict[str, str]:
    """List the annotations: what no public service would take is refused before them all."""
    public = [service for service in plan.services if service.routes]
    body_bytes = str(_largest(public, "MAX_BODY_BYTES"))
    found = {
        "nginx.ingress.kubernetes.io/proxy-body-size": body_bytes,
        "nginx.org/client-max-body-size": body_bytes,
    }
    per_second = -(-_largest(public, "RATE_LIMIT_PER_MINUTE") // 60)
    if not per_second:
        return found
    burst = _largest(public, "RATE_LIMIT_BURST")
    return {
        **found,
        "nginx.ingress.kubernetes.io/limit-rps": str(per_second),
        "nginx.ingress.kubernetes.io/limit-burst-multiplier": str(max(1, burst // per_second)),
        "nginx.org/limit-req-rate": f"{per_second}r/s",
        "nginx.org/limit-req-key": "${binary_remote_addr}",
        "nginx.org/limit-req-zone-size": "10m",
        "nginx.org/limit-req-burst": str(burst),
        "nginx.org/limit-req-no-delay": "true",
        "nginx.org/limit-req-reject-code": "429",
    }
