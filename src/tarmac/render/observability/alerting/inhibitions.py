"""Inhibitions of Alertmanager: an alert on a cause silences those on its effects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.subjects import services_of

#: The alert on a store, which inhibits those of the services that use it.
STORE_DOWN = "StoreDown"


def inhibitions(plan: ClusterPlan) -> Iterator[dict[str, Any]]:
    """Return the inhibitions: an alert on a cause silences those on its effects."""
    yield {
        "source_matchers": ['severity="critical"', 'service!=""'],
        "target_matchers": ['severity="warning"', 'service!=""'],
        "equal": ["service"],
    }
    for store, asked in plan.asked.items():
        if users := services_of(plan, store):
            # What a service can do without does not explain that it fails.
            lesser = [] if asked.needed else ['severity="warning"']
            yield {
                "source_matchers": [f'alertname="{STORE_DOWN}"', f'service="{store}"'],
                "target_matchers": [f'service=~"{"|".join(users)}"', *lesser],
            }
