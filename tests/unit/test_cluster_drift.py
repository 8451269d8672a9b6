"""Drift: what is rendered against what is there, field by field, with one request for each kind."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_kubectl import ScriptedKubectl, running

from tarmac.run.cluster.drift import differing, drift
from tarmac.run.cluster.quantity import same_quantity
from tarmac.run.cluster.release import Record, Release, ids, write

LABELS = {"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "tarmac"}


def config(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def compared(wanted: list[dict[str, Any]], *there: dict[str, Any]) -> tuple[Any, ScriptedKubectl]:
    kubectl = running(*there).kubectl
    return drift(kubectl, Release("shop", "lab", "shop", tuple(wanted))), kubectl


def test_nothing_differs_where_all_is_as_rendered():
    found, _ = compared([config("a", x="1")], config("a", x="1"))
    assert (found.differs, found.compared) == (False, 1)


def test_a_missing_object_a_changed_field_and_one_that_nothing_renders_are_reported():
    wanted = [config("a", x="1"), config("b", x="1")]
    found, _ = compared(wanted, config("b", x="2"), config("c"))
    assert [str(one) for one in found.missing] == ["ConfigMap a"]
    assert [(str(one.id), one.fields) for one in found.changed] == [
        ("ConfigMap b", ("data.x: 2 -> 1",))
    ]
    assert [str(one) for one in found.extra] == ["ConfigMap c"]


@pytest.mark.parametrize(
    "labels",
    [
        {"app.kubernetes.io/part-of": "shop"},
        {**LABELS, "app.kubernetes.io/component": "release"},
    ],
    ids=["of another", "the record"],
)
def test_objects_without_labels_of_tarmac_are_not_reported(labels):
    other = config("c")
    other["metadata"]["labels"] = labels
    found, _ = compared([config("a")], config("a"), other)
    assert not found.differs


def test_kinds_that_the_cluster_does_not_have_are_left_out():
    monitor = config("m") | {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor"}
    found, _ = compared([config("a"), monitor], config("a"))
    assert [str(one) for one in found.left_out] == ["ServiceMonitor m"]
    assert not found.differs


def test_orphans_of_a_kind_that_is_no_longer_rendered_are_reported():
    budget = config("b") | {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    kubectl = running(config("a"), budget).kubectl
    release = Release("shop", "lab", "shop", (config("a"),))
    write(kubectl, release, Record(there=ids([config("a"), budget])))
    found = drift(kubectl, release)
    assert [str(one) for one in found.extra] == ["PodDisruptionBudget b"]


def test_three_hundred_objects_take_one_call_beside_the_record():
    many = [config(f"c{number}") for number in range(300)]
    found, kubectl = compared(many, *many)
    assert found.compared == 300
    assert [call[:2] for call in kubectl.calls] == [
        ("get", "--filename=-"),
        ("get", "configmap.v1."),
    ]


@pytest.mark.parametrize(
    ("live", "wanted", "told"),
    [
        ({"a": 1, "status": 2}, {"a": 1}, []),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"cpu": "1000m"}}, []),
        ({}, {"env": [], "hostNetwork": False}, []),
        ({"replicas": 5}, {"replicas": 2}, ["replicas: 5 -> 2"]),
        ({}, {"replicas": 2}, ["replicas: nothing -> 2"]),
        (
            {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "value": "1"}]},
            ["env[B]: {'name': 'B', 'value': '2'} -> nothing"],
        ),
        ({"args": ["-a"]}, {"args": ["-b"]}, ["args[0]: -a -> -b"]),
    ],
)
def test_what_is_rendered_is_compared_and_nothing_else(live, wanted, told):
    kind = {"kind": "Thing"}
    assert list(differing(live | kind, wanted | kind)) == told


def test_values_of_secrets_are_not_shown():
    wanted = {"kind": "Secret", "data": {"password": "bmV3"}}
    live = {"kind": "Secret", "data": {"password": "b2xk"}}
    assert list(differing(live, wanted)) == ["data.password: another value"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0.5", "500m", True),
        (1, "1", True),
        ("1Gi", "1024Mi", True),
        ("1G", "1Gi", False),
        ("a", "a", False),
        (True, 1, False),
        ("1", None, False),
    ],
)
def test_amounts_are_compared_and_not_their_texts(one, other, same):
    assert same_quantity(one, other) is same
