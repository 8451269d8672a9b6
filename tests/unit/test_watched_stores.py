"""Stores in a cluster that Prometheus watches: who tells how each is, and as whom it gets in."""

from __future__ import annotations

import pytest
from rendered import KINDS, plan_of, watched_artifacts_of, watched_plan_of

from tarmac.base import signals, versions
from tarmac.base.launch import redact
from tarmac.catalog.stores.kind import MONITOR
from tarmac.plan.cluster import ClusterPlan, Workload, secrets_of

#: Kinds whose exporter knows no password: the port that it asks has no users, or it is the server.
WITHOUT = {"nats", "rabbitmq"}
#: The kinds that something tells of; a Mailpit, which catches mail, is no store to look after.
TOLD = {name: kind.exporter for name, kind in KINDS.items() if kind.exporter}
PLANS = [watched_plan_of("shop"), watched_plan_of("starter"), plan_of("travel", "prod")]


def told(plan: ClusterPlan) -> list[Workload]:
    return [store for store in plan.stores if plan.asked[store.name].kind in TOLD]


def passwords(plan: ClusterPlan) -> set[str]:
    return {secret.path for store in plan.stores for secret in secrets_of(store)}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.system)
def test_each_store_has_an_exporter_with_its_own_password(plan):
    assert told(plan)
    for store in told(plan):
        kind = plan.asked[store.name].kind
        assert store.exporter is not None, store.name
        assert store.exporter.id == TOLD[kind].id
        assert store.ports["metrics"] == store.metrics == TOLD[kind].port
        own = f"stores/{store.name}/monitor"
        assert (own in passwords(plan)) == (kind not in WITHOUT), store.name
        # The program has no other's password.
        given = {text for text in map(redact, store.exporter.env.values()) if "<secret" in text}
        assert given == (set() if kind in WITHOUT else {f"<secret {own}>"})
        said = [redact(file.content) for once in store.once for file in once.files]
        said += [redact(file.content) for file in store.files]
        assert any(f"<secret {own}>" in text for text in said) == (kind not in WITHOUT)


def test_between_them_these_have_every_kind_that_something_tells_of():
    seen = {plan.asked[store.name].kind for plan in PLANS for store in told(plan)}
    assert seen | {"rabbitmq"} == TOLD.keys()


def test_where_nobody_watches_there_is_no_exporter_and_no_user_for_one():
    plan = plan_of("shop", "kind")
    assert {store.exporter for store in plan.stores} == {None}
    assert [path for path in passwords(plan) if path.endswith("/monitor")] == []
    texts = [redact(file.content) for store in plan.stores for file in store.files]
    assert [text for text in texts if MONITOR in text] == []


def test_the_catalogue_and_the_kinds_name_the_same_exporters():
    said = {
        (signal.exporter, store) for signal in signals.read().values() for store in signal.stores
    }
    assert said == {(exporter.id, name) for name, exporter in TOLD.items()}
    images = {exporter.image for exporter in TOLD.values()} - {""}
    assert images <= versions.read().images.keys()


def test_a_stores_metrics_are_read_once():
    """A monitor selects every Service of that name: only one of a store's may have the port."""
    for store in told(watched_plan_of("shop")):
        having = [
            artifact.data["metadata"]["name"]
            for artifact in watched_artifacts_of("shop")
            if artifact.data.get("kind") == "Service"
            and artifact.data["metadata"]["labels"]["app.kubernetes.io/name"] == store.name
            and "metrics" in {port["name"] for port in artifact.data["spec"]["ports"]}
        ]
        assert having == [store.name]
