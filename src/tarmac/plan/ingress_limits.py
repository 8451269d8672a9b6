"""The limits of the public services together: what none of them would take.

Renderers give them to the ingress, gates look for them there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan, Workload

#: What a service of the kit does by itself (`tarmac_kit.limits`), and what another one is given.
DEFAULTS = {
    "MAX_BODY_BYTES": 1024 * 1024,
    "RATE_LIMIT_PER_MINUTE": 60_000,
    "RATE_LIMIT_BURST": 2_000,
}


@dataclass(frozen=True)
class IngressLimits:
    """The largest limits of any public service; 0 is not a limit."""

    body_bytes: int
    #: Requests of one address: in a second, and at once.
    per_second: int
    burst: int


def ingress_limits(plan: ClusterPlan) -> IngressLimits:
    """Find what the public services together would take."""
    public = [service for service in plan.services if service.routes]
    return IngressLimits(
        body_bytes=_largest(public, "MAX_BODY_BYTES"),
        per_second=-(-_largest(public, "RATE_LIMIT_PER_MINUTE") // 60),
        burst=_largest(public, "RATE_LIMIT_BURST"),
    )


def _largest(services: Iterable[Workload], name: str) -> int:
    """Find the largest value that a service has; 0, which is not a limit, is larger than any."""
    values = []
    for service in services:
        given = service.env.get(name)
        text = "".join(map(str, given.value)) if given else ""
        values.append(int(text) if text.isdigit() else DEFAULTS[name])
    return 0 if 0 in values else max(values, default=0)
