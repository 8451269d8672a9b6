"""Every alert besides those on objectives, read from assets/alerts and from the kinds of stores.

Read by the renderers of rules, their tests and runbooks. To add one: an item in a file of
assets/alerts, whose README.md says what stands in it; for a metric that one kind of store alone
has, in the `alerts.yaml` of that kind. Values of the plan that its texts name are in `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from tarmac.errors import BadInput, Problem
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render import texts
from tarmac.render.observability.alerting.alert import (
    Alert,
    InputSeries,
    Language,
    RuleTest,
    Runbook,
    Step,
)
from tarmac.render.observability.alerting.values import cluster, messages, services, stores
from tarmac.render.texts import Values
from tarmac.slo.indicator import USERS

FOLDER = files("tarmac") / "assets" / "alerts"
#: How every group of rules begins.
PREFIX = "tarmac-"
#: The files of FOLDER, each of which is a group of rules; that of stores has the kinds' own, too.
FILES = ("services", "stores", "messages", "cluster")
#: The group about missing exporters, which names the alerts of all others.
SOURCES = f"{PREFIX}sources"
#: By the name that an alert's `of` has: one alert for each of its values.
VALUES: Mapping[str, Callable[[ClusterPlan], Iterator[Values]]] = {
    **services.VALUES,
    **stores.VALUES,
    **messages.VALUES,
    **cluster.VALUES,
}
LANGUAGES: tuple[Language, ...] = ("run", "promql", "sql", "see")


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
            yield _alert(plan, file, item, values)


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
            yield _alert(plan, file, item, stores.of(found))


def _of_sources(plan: ClusterPlan, every: Iterable[Alert]) -> Iterator[Alert]:
    file = FOLDER / "sources.yaml"
    for values in cluster.exporters(every):
        for item in texts.read(file)["alerts"]:
            yield _alert(plan, file, item, values)


def _undo(plan: ClusterPlan) -> str:
    """Write how to roll a new version back: in Git, if Argo CD would undo anything else."""
    since = "A version that was deployed in the last hour: "
    if plan.settings.gitops:
        return (
            f"{since}revert its commit in the repository of rendered files; Argo CD applies that. "
            "It would revert `kubectl rollout undo`."
        )
    return f"{since}`kubectl -n {plan.namespace} rollout undo deployment/$SERVICE`."


def _alert(plan: ClusterPlan, file: Traversable, item: dict[str, Any], values: Values) -> Alert:
    of_plan = {
        "namespace": plan.namespace,
        "system": plan.system,
        "users": USERS,
        "undo": _undo(plan),
    }
    given = texts.filled(item, {**of_plan, **values}, f"{file.name}: {item['alert']}")
    return Alert(
        name=given["alert"],
        severity=given["severity"],
        expr=_expression(given["expr"]),
        for_m=given["for_m"],
        summary=given["summary"],
        description=given["description"],
        runbook=_runbook(given["runbook"]),
        test=_test(given["test"]),
        service=given.get("service", ""),
        overview=given.get("overview", False),
    )


def _expression(expr: str | list[str]) -> str:
    """Write one expression, or that any of several holds."""
    several = [expr] if isinstance(expr, str) else expr
    return several[0] if len(several) == 1 else " or ".join(f"({part})" for part in several)


def _runbook(given: dict[str, Any]) -> Runbook:
    steps = (
        Step(step["show"], step[language], language)
        for step in given["diagnosis"]
        for language in LANGUAGES
        if language in step
    )
    return Runbook(
        meaning=given["meaning"],
        impact=given["impact"],
        diagnosis=tuple(steps),
        causes=tuple(given["causes"]),
        mitigation=tuple(given["mitigation"]),
        escalation=given["escalation"],
    )


def _test(given: dict[str, Any]) -> RuleTest:
    series = tuple(
        InputSeries(
            series=line["series"],
            fine=float(line["fine"]),
            bad=None if line.get("bad") is None else float(line["bad"]),
            edge=None if line.get("edge") is None else float(line["edge"]),
            counter=line.get("counter", False),
        )
        for line in given["series"]
    )
    return RuleTest(
        series=series,
        labels=given.get("labels", {}),
        shown=given.get("shown", ""),
        late_m=given.get("late_m", 0),
        lasts_m=given.get("lasts_m", 0),
    )
