"""The limits of the public services as annotations of an Ingress of the class nginx.

Both controllers of that class read the same Ingress, each its own annotations: the community's
ingress-nginx `nginx.ingress.kubernetes.io/...`, F5's `nginx.org/...`. Each ignores the other's.
"""

from __future__ import annotations

from tarmac.plan.ingress_limits import IngressLimits


def nginx_annotations(limits: IngressLimits) -> dict[str, str]:
    """List the annotations: what no public service would take is refused before them all."""
    found = {
        "nginx.ingress.kubernetes.io/proxy-body-size": str(limits.body_bytes),
        "nginx.org/client-max-body-size": str(limits.body_bytes),
    }
    if not limits.per_second:
        return found
    return {
        **found,
        "nginx.ingress.kubernetes.io/limit-rps": str(limits.per_second),
        "nginx.ingress.kubernetes.io/limit-burst-multiplier": str(
            max(1, limits.burst // limits.per_second)
        ),
        "nginx.org/limit-req-rate": f"{limits.per_second}r/s",
        "nginx.org/limit-req-key": "${binary_remote_addr}",
        "nginx.org/limit-req-zone-size": "10m",
        "nginx.org/limit-req-burst": str(limits.burst),
        "nginx.org/limit-req-no-delay": "true",
        "nginx.org/limit-req-reject-code": "429",
    }
