"""In which order objects go into a cluster, and what of one would change there."""

from __future__ import annotations

from typing import Any

import pytest
from rendered import artifacts_of

from tarmac.run.cluster.kubectl import documents, packed
from tarmac.run.cluster.objects import WAVES, ObjectId, differences, wave, waves


def manifest(kind: str, name: str = "web", component: str = "", **more: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": component} if component else {}
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


@pytest.mark.parametrize(
    ("kind", "component", "expected"),
    [
        ("Namespace", "", "namespace"),
        ("ConfigMap", "service", "settings"),
        ("NetworkPolicy", "store", "settings"),
        ("StatefulSet", "store", "stores"),
        ("Deployment", "store", "stores"),
        ("Job", "setup", "set-up"),
        ("Job", "migration", "migrations"),
        ("Job", "task", "tasks"),
        ("Deployment", "service", "services"),
        ("HorizontalPodAutoscaler", "service", "the rest"),
        ("Ingress", "", "the rest"),
    ],
)
def test_what_others_need_is_applied_before_them(kind: str, component: str, expected: str):
    assert wave(manifest(kind, component=component)) == expected


def test_every_object_of_a_tree_is_in_one_wave_and_the_waves_are_in_order():
    objects = [a.data for a in artifacts_of("shop", "kind") if a.is_object and "k8s/" in a.path]
    found = list(waves(objects))
    names = [name for name, _ in found]
    assert names == [name for name in WAVES if name in names]
    assert {"stores", "set-up", "migrations", "services"} <= set(names)
    assert sum(len(held) for _, held in found) == len(objects)


def test_routes_that_a_rollout_divides_come_with_it_and_others_after_all_services():
    plugin = {"argoproj-labs/gatewayAPI": {"httpRoutes": [{"name": "shop"}, {"name": "web-mesh"}]}}
    spec = {"strategy": {"canary": {"trafficRouting": {"plugins": plugin}}}}
    routes = [manifest("HTTPRoute", name) for name in ("shop", "web-mesh", "admin")]
    held = dict(waves([*routes, manifest("Rollout", component="service", spec=spec)]))
    names = {name: [found["metadata"]["name"] for found in held[name]] for name in held}
    assert names == {"services": ["shop", "web-mesh", "web"], "the rest": ["admin"]}


def test_a_change_is_reported_by_field_and_server_defaults_are_ignored():
    live = manifest("Deployment", spec={"containers": [{"name": "web", "image": "web:1"}]})
    live["metadata"] |= {"resourceVersion": "7", "managedFields": [{"manager": "tarmac"}]}
    live["status"] = {"replicas": 1}
    wanted = manifest("Deployment", spec={"containers": [{"name": "web", "image": "web:2"}]})
    assert differences(live, wanted) == ["spec.containers[web].image: web:1 -> web:2"]
    assert differences(live, {**live, "status": {}}) == []


def test_of_a_secret_no_value_is_shown():
    live = manifest("Secret", data={"password": "b2xk"})
    wanted = manifest("Secret", data={"password": "bmV3", "user": "YW5u"})
    assert differences(live, wanted) == ["data.password: another value", "data.user: another value"]


def test_one_object_is_known_again_by_what_it_is_called():
    found = ObjectId.of(manifest("Service"))
    assert ObjectId.of(found.bare) == found
    assert str(found) == "Service web"


def test_all_that_kubectl_prints_is_read():
    one, two = manifest("Pod", "one"), manifest("Pod", "two")
    assert documents("") == []
    assert documents(f"{packed([one, two])}\n") == [one, two]
    assert documents(packed([one]) + "\n" + packed([two])) == [one, two]
