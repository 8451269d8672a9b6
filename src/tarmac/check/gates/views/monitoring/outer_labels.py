"""Labels that a Prometheus usually gives to all that it sends elsewhere, or a store adds."""

from __future__ import annotations

OUTER = frozenset((
    "cluster", "region", "zone", "env", "environment", "stage", "tier", "dc", "datacenter", "site",
    "tenant", "tenant_id", "replica", "prometheus", "prometheus_replica", "__replica__", "monitor",
    "receive", "ruler_replica", "account", "project", "location", "customer",
))  # fmt: skip
