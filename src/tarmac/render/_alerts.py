"""Every alert besides those on objectives that an environment has a source for, by what it watches.

Read by what renders rules, their tests and runbooks. Adding one: a function in the file of its
topic, which says the rule, how it is tried, and what whoever is woken needs to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tarmac.plan.cluster import ClusterPlan
from tarmac.render import (
    _alerts_cluster,
    _alerts_messages,
    _alerts_servers,
    _alerts_services,
    _alerts_stores,
)
from tarmac.render._alert import Alert

Made = Callable[[ClusterPlan], Iterator[Alert]]

#: How every group of rules begins.
PREFIX = "tarmac-"
#: The group of rules, and what makes its alerts.
GROUPS: Mapping[str, Iterable[Made]] = {
    "tarmac-services": _alerts_services.ALERTS,
    "tarmac-stores": (*_alerts_stores.ALERTS, *_alerts_servers.ALERTS),
    "tarmac-messages": _alerts_messages.ALERTS,
    "tarmac-cluster": _alerts_cluster.ALERTS,
}
#: The group of what says that others cannot fire.
SOURCES = "tarmac-sources"


def alerts(plan: ClusterPlan) -> dict[str, tuple[Alert, ...]]:
    """Make an environment's alerts, by their groups; none where Prometheus does not watch it."""
    watched = plan.settings.observability
    if watched is None or watched.metrics != "prometheus" or not plan.services:
        return {}
    made = {
        group: tuple(alert for each in makers for alert in each(plan))
        for group, makers in GROUPS.items()
    }
    every = [alert for group in made.values() for alert in group]
    made[SOURCES] = tuple(_alerts_cluster.sources(every))
    return {group: found for group, found in made.items() if found}
