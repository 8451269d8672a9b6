"""Every alert besides those on objectives, read from assets/alerts and from the kinds of stores.

Read by the renderers of rules, their tests and runbooks. To add one: an item in a file of
assets/alerts, whose README.md says what stands in it; for a metric that one kind of store alone
has, in the `alerts.yaml` of that kind. Values of the plan that its texts name are in `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from tarmac.base.errors import BadInput, Problem
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render import texts
from tarmac.render.observability.alerting.alert import Alert
from tarmac.render.observability.alerting.alert_data import filled_alert
from tarmac.render.observability.alerting.values import (
    captures,
    cluster,
    costs,
    disks,
    messages,
    services,
    stores,
)
from tarmac.render.texts import Values

FOLDER = files("tarmac") / "assets" / "alerts"
#: How every group of rules begins.
PREFIX = "tarmac-"
#: The files of FOLDER, each of which is a group of rules; that of stores has the kinds' own, too.
FILES = ("services", "stores", "messages", "cluster", "costs")
#: The group about missing exporters, which names the alerts of all others.
SOURCES = f"{PREFIX}sources"
#: By the name that an alert's `of` has: one alert for each of its values.
VALUES: Mapping[str, Callable[[ClusterPlan], Iterator[Values]]] = {
    **services.VALUES,
    **stores.VALUES,
    **disks.VALUES,
    **captures.VALUES,
    **messages.VALUES,
    **cluster.VALUES,
    **costs.VALUES,
}


def alerts(plan: ClusterPlan) -> dict[str, tuple[Alert, ...]]:
    """Make an environment's alerts, by their groups; none where Prometheus does not watch it."""
    watched = plan.settings.observability
    if watched is None or watched.metrics != "prometheus" or not plan.services:
        return {}
    made = {f"{PREFIX}{name}": [*_of_file(plan, FOLDER / f"{name}.yaml")] for name in FILES}
    made[f"{PREFIX}stores"] += _of_kinds(plan)
    every = [alert for group in made.values() for alert in group]
    made[SOURCES] = [*_of_sources(plan, every)]
    return {group: tuple(found) for group, found in made.items() if found}


def _of_file(plan: ClusterPlan, file: Traversable) -> Iterator[Alert]:
    for item in texts.read(file)["alerts"]:
        make = VALUES.get(item["of"])
        if make is None:
            what = f"`of` is unknown ({item['of']}); use one of {', '.join(sorted(VALUES))}"
            raise BadInput([Problem(f"{file.name}: {item['alert']}", what)])
        for values in make(plan):
            yield filled_alert(plan, file, item, values)


def _of_kinds(plan: ClusterPlan) -> Iterator[Alert]:
    """Make the alerts that kinds of stores bring, on the stores that have the same exporter."""
    by_file = dict[Traversable, list[Workload]]()
    for store in plan.stores:
        if store.exporter and store.exporter.assets is not None:
            file = store.exporter.assets / "alerts.yaml"
            if file.is_file():
                by_file.setdefault(file, []).append(store)
    for file, found in by_file.items():
        for item in texts.read(file)["alerts"]:
            yield filled_alert(plan, file, item, stores.of(found))


def _of_sources(plan: ClusterPlan, every: Iterable[Alert]) -> Iterator[Alert]:
    file = FOLDER / "sources.yaml"
    for values in cluster.exporters(every):
        for item in texts.read(file)["alerts"]:
            yield filled_alert(plan, file, item, values)
