"""The numbers that roadmaps ask for are those of what is rendered."""

from __future__ import annotations

import hcl2
import pytest
import yaml
from objects import named
from rendered import artifact_of, artifacts_of, plan_of

SHOP = [service.name for service in plan_of("shop", "production").services]
#: What staging and production may differ in: size, NAT gateways, retention, protection; and what
#: has the environment's own name or is production's alone.
DIFFER = {
    "environment", "protected", "zones", "public_subnets", "private_subnets", "nat_gateways",
    "node_groups", "postgres", "redis", "repositories", "service_roles", "standby_region",
    "experiments", "hosts", "dns", "cdn", "snapshots", "budget", "karpenter", "velero",
    "buckets", "entries",
}  # fmt: skip


@pytest.mark.parametrize("service", SHOP)
def test_each_service_of_the_shop_has_the_roadmaps_probes(service):
    spec = named("shop", "production", "Deployment", service)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    probes = {
        name: (
            container[name].get("initialDelaySeconds", 0),
            container[name]["periodSeconds"],
            container[name]["failureThreshold"],
        )
        for name in ("livenessProbe", "readinessProbe", "startupProbe")
    }
    # 30 times 5 s are the 150 s that a start may take.
    assert probes == {
        "livenessProbe": (10, 15, 3),
        "readinessProbe": (5, 10, 3),
        "startupProbe": (0, 5, 30),
    }
    paths = {name: container[name]["httpGet"]["path"] for name in probes}
    assert paths["livenessProbe"] == "/health/live"
    assert paths["readinessProbe"] == "/health/ready"


def test_the_shop_has_seven_services_and_each_its_roadmaps_port():
    ports = {
        name: named("shop", "kind", "Service", name)["spec"]["ports"][0]["port"] for name in SHOP
    }
    assert (
        ports.items()
        >= {
            "api-gateway": 3000,
            "user-service": 3001,
            "product-service": 8000,
            "order-service": 3003,
            "payment-service": 3004,
        }.items()
    )
    assert len(ports) == 7


def test_the_gateway_of_trading_is_on_8000_and_its_pages_on_3000():
    ports = {
        name: named("trading", "production", "Service", name)["spec"]["ports"][0]["port"]
        for name in ("api-gateway", "web-ui")
    }
    assert ports == {"api-gateway": 8000, "web-ui": 3000}


def test_the_shared_chart_has_the_roadmaps_versions_and_maintainer():
    chart = yaml.safe_load(
        str(artifact_of("shop", "production", "charts/service/Chart.yaml").content)
    )
    assert (chart["apiVersion"], chart["version"], chart["appVersion"]) == ("v2", "0.1.0", "1.0.0")
    assert chart["maintainers"] == [{"name": "platform-team"}]


@pytest.mark.parametrize("service", SHOP)
def test_each_service_is_a_cluster_ip_that_leads_to_the_port_its_container_has(service):
    # In production Flagger makes the Services of what is rolled out step by step.
    spec = named("shop", "kind", "Service", service)["spec"]
    assert spec["type"] == "ClusterIP"
    template = named("shop", "kind", "Deployment", service)["spec"]["template"]["spec"]
    has = {port["containerPort"] for c in template["containers"] for port in c["ports"]}
    targets = {port["targetPort"] for port in spec["ports"]}
    assert targets
    assert targets <= has


def tfvars(environment):
    path = f"infrastructure/{environment}.auto.tfvars"
    return hcl2.loads(str(artifact_of("shop", environment, path).content))


def unquoted(value):
    return value.strip('"') if isinstance(value, str) else value


def test_the_values_of_production_are_the_roadmaps():
    values = tfvars("production")
    aurora = {unquoted(k): unquoted(v) for k, v in values["postgres"]["aurora"].items()}
    redis = {unquoted(k): unquoted(v) for k, v in values["redis"]["elasticache"].items()}
    assert (aurora["instance"], aurora["backup_days"]) == ("db.r6g.large", 35)
    assert (redis["instance"], redis["instances"]) == ("cache.r6g.large", 3)
    assert len(values["zones"]) == 3
    assert values["nat_gateways"] == 3


def test_staging_differs_by_size_nat_gateways_retention_and_protection_only():
    staging, production = tfvars("staging"), tfvars("production")
    both = staging.keys() | production.keys()
    assert {key for key in both if staging.get(key) != production.get(key)} <= DIFFER
    for store in ("postgres", "redis"):
        [one], [other] = staging[store].values(), production[store].values()
        differing = {unquoted(key) for key in one if one[key] != other[key]}
        assert differing <= {"instance", "instances", "backup_days"}
    for name, group in staging["node_groups"].items():
        other = production["node_groups"][name]
        differing = {unquoted(key) for key in group if group[key] != other[key]}
        assert differing <= {"instance_types", "min", "desired", "max", "disk_gb"}


def rules():
    path = "observability/rules/slo-api-availability.yaml"
    groups = artifact_of("shop", "production", path).data["groups"]
    return [
        (group["name"], group.get("interval"), rule) for group in groups for rule in group["rules"]
    ]


def test_rules_and_alerts_of_availability_have_the_roadmaps_numbers():
    recorded = {
        rule["record"]: (interval, rule) for _, interval, rule in rules() if "record" in rule
    }
    for name in ("slo:api_availability:ratio_rate5m", "slo:api_availability:ratio_rate1h"):
        assert recorded[name][0] == "30s"
    # 99.95 % leaves 0.0005.
    assert recorded["slo:error_budget:remaining"][1]["expr"].endswith("/ 0.0005")
    alerts = {rule["alert"]: rule for _, _, rule in rules() if "alert" in rule}
    high, exhausted = alerts["SLOBurnRateHigh"], alerts["ErrorBudgetExhausted"]
    assert (high["for"], high["labels"]["severity"]) == ("5m", "critical")
    assert high["expr"].endswith("< 0.999")
    assert (exhausted["for"], exhausted["labels"]["severity"]) == ("10m", "warning")
    assert exhausted["expr"].endswith("< 0.1")


def test_the_rule_of_latency_counts_requests_below_200_ms():
    path = "observability/rules/slo-api-latency.yaml"
    groups = artifact_of("shop", "production", path).data["groups"]
    recorded = {rule["record"]: rule for g in groups for rule in g["rules"] if "record" in rule}
    assert 'le="0.2"' in recorded["slo:api_latency:ratio_rate5m"]["expr"]


def test_tradings_production_file_publishes_the_entry_alone_and_the_one_for_development_all():
    def published(name):
        services = artifact_of("trading", "compose", f"compose/{name}").data["services"]
        return {name for name, service in services.items() if service.get("ports")}

    assert published("compose.prod.yaml") == {"web-ui", "api-gateway"}
    assert published("compose.yaml") == set()
    assert published("compose.override.yaml") >= {"portfolio-db", "market-db", "users-db"}


def test_images_are_made_from_main_and_from_version_tags_and_from_no_other_branch():
    workflow = artifact_of("shop", "repository", ".github/workflows/ci.yml").data
    assert workflow["on"]["push"] == {"branches": ["main"], "tags": ["v*.*.*"]}
    assert workflow["on"]["pull_request"] == {"branches": ["main"]}
    makes = {n: job for n, job in workflow["jobs"].items() if "build" in n or "image" in n}
    assert makes
    for name, job in makes.items():
        assert "github.event_name == 'push'" in str(job.get("if")), name


def test_the_quota_and_the_defaults_of_containers_are_in_the_tree():
    kinds = {
        artifact.data["kind"]: artifact.data["spec"]
        for artifact in artifacts_of("shop", "production")
        if artifact.path.startswith("k8s/base/") and "spec" in artifact.data
    }
    # The roadmap's 40 do not hold the containers of its own mesh.
    assert kinds["ResourceQuota"]["hard"] == {"requests.cpu": "60", "requests.memory": "80Gi"}
    (limit,) = kinds["LimitRange"]["limits"]
    assert limit["defaultRequest"] == {"cpu": "100m", "memory": "128Mi"}
