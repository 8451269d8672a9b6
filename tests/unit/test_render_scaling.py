"""Autoscalers, budgets, replicas and the quota agree with each other."""

from __future__ import annotations

import pytest
from objects import named, objects_of, pods_of
from rendered import TYPICAL, plan_of

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)
MEMORY = {"Ki": 1, "Mi": 1024, "Gi": 1024 * 1024}


def cpu(amount: str) -> int:
    """Read an amount of processors in thousandths."""
    return int(amount[:-1]) if amount.endswith("m") else round(float(amount) * 1000)


def memory(amount: str) -> int:
    """Read an amount of memory in KiB."""
    return int(amount[:-2]) * MEMORY[amount[-2:]]


def by_name(system, environment, kind):
    return {
        manifest["metadata"]["name"]: manifest["spec"]
        for manifest in objects_of(system, environment, kind)
    }


@every
def test_who_has_an_autoscaler_has_no_number_of_its_own(system, environment):
    autoscalers = by_name(system, environment, "HorizontalPodAutoscaler")
    for name, spec in by_name(system, environment, "Deployment").items():
        assert ("replicas" in spec) is (name not in autoscalers)
    for name, spec in autoscalers.items():
        assert spec["scaleTargetRef"]["name"] == name
        assert 1 <= spec["minReplicas"] < spec["maxReplicas"]
        container = named(system, environment, "Deployment", name)["spec"]["template"]["spec"][
            "containers"
        ][0]
        for metric in spec["metrics"]:
            measured = metric[metric["type"][0].lower() + metric["type"][1:]]
            assert measured["name"] in container["resources"]["requests"]
            assert measured.get("container", container["name"]) == container["name"]


@pytest.mark.parametrize("system", ["hello-dd", "shop", "trading", "travel"])
def test_a_service_of_production_is_scaled_by_processors_and_by_memory(system):
    environment = "prod" if system == "travel" else "production"
    autoscalers = by_name(system, environment, "HorizontalPodAutoscaler")
    assert autoscalers
    for name, spec in autoscalers.items():
        kinds = [
            metric[metric["type"][0].lower() + metric["type"][1:]] for metric in spec["metrics"]
        ]
        targets = {kind["name"]: kind["target"]["averageUtilization"] for kind in kinds}
        assert targets == {"cpu": 70, "memory": 80}, name


@every
def test_a_budget_always_lets_one_pod_go(system, environment):
    autoscalers = by_name(system, environment, "HorizontalPodAutoscaler")
    budgets = by_name(system, environment, "PodDisruptionBudget")
    for name, spec in budgets.items():
        deployment = named(system, environment, "Deployment", name)["spec"]
        least = autoscalers[name]["minReplicas"] if name in autoscalers else deployment["replicas"]
        assert 0 < spec["minAvailable"] < least
        # Flagger's copy has the same name, and another label more.
        own = spec["selector"]["matchLabels"].items()
        assert own
        assert own <= deployment["selector"]["matchLabels"].items()
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    several = {w.name for w in plan_of(system, environment).services if w.scale.least > 1}
    assert budgets.keys() == several


def test_the_shops_numbers_are_those_of_its_roadmap():
    spec = named("shop", "production", "HorizontalPodAutoscaler", "user-service")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
    targets = {
        m["containerResource"]["name"]: m["containerResource"]["target"]["averageUtilization"]
        for m in spec["metrics"]
    }
    assert targets == {"cpu": 70, "memory": 80}
    budget = named("shop", "production", "PodDisruptionBudget", "user-service")["spec"]
    assert budget["minAvailable"] == 2
    quota = named("shop", "production", "ResourceQuota", "ecommerce-prod-quota")["spec"]
    # The roadmap's 40 do not hold the containers of its own mesh.
    assert quota == {"hard": {"requests.cpu": "60", "requests.memory": "80Gi"}}
    (limit,) = named("shop", "production", "LimitRange", "ecommerce-prod-limits")["spec"]["limits"]
    assert limit["defaultRequest"] == {"cpu": "100m", "memory": "128Mi"}


def test_the_shops_containers_have_the_numbers_of_its_roadmap():
    for service in plan_of("shop", "production").services:
        spec = named("shop", "production", "Deployment", service.name)["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        assert container["resources"] == {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi"},
        }, service.name


@pytest.mark.parametrize("service", ["api-gateway", "user-service", "product-service"])
def test_the_shops_probes_have_the_numbers_of_its_roadmap(service):
    spec = named("shop", "production", "Deployment", service)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    keys = ("initialDelaySeconds", "periodSeconds", "failureThreshold")
    numbers = {
        name: tuple(container[name].get(key) for key in keys)
        for name in ("livenessProbe", "readinessProbe", "startupProbe")
    }
    assert numbers == {
        "livenessProbe": (10, 15, 3),
        "readinessProbe": (5, 10, 3),
        "startupProbe": (None, 5, 30),
    }


def test_down_is_slower_than_up_so_that_a_number_does_not_swing():
    spec = named("shop", "production", "HorizontalPodAutoscaler", "user-service")["spec"]
    up, down = spec["behavior"]["scaleUp"], spec["behavior"]["scaleDown"]
    assert up["stabilizationWindowSeconds"] == 0
    assert down["stabilizationWindowSeconds"] >= 300
    assert max(p["value"] for p in down["policies"]) < max(p["value"] for p in up["policies"])


@every
def test_the_quota_holds_all_pods_at_their_most_while_one_of_each_is_replaced(system, environment):
    plan = plan_of(system, environment)
    most = {workload.name: workload.scale.most for workload in plan.workloads}
    quotas = by_name(system, environment, "ResourceQuota")
    assert bool(quotas) is bool(plan.settings.quota)
    for spec in quotas.values():
        total = {"cpu": 0, "memory": 0}
        for pods in pods_of(system, environment):
            count = most.get(pods.name, 1) + (pods.of["kind"] == "Deployment")
            (container,) = pods.spec["containers"]
            requests = container["resources"]["requests"]
            total["cpu"] += count * cpu(requests["cpu"])
            total["memory"] += count * memory(requests["memory"])
        assert total["cpu"] <= cpu(spec["hard"]["requests.cpu"])
        assert total["memory"] <= memory(spec["hard"]["requests.memory"])
