"""The chart by itself: each template on and off, and what its schema refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from packed import helm, templated

CHART = Path(__file__).parents[2] / "src/tarmac/assets/chart/service"
NAME = "demo"

POD = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "run"}]}}}
AUTOSCALING = {"minReplicas": 3, "maxReplicas": 20, "cpu": 70, "memory": 80}
#: By the template's file: the kind that it makes, what switches it on, what stands in the spec.
TEMPLATES = {
    "configmap": ("ConfigMap", {"config": {"A": "1"}}, {}),
    "cronjob": (
        "CronJob",
        {"cronJobs": {"n": {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": POD}}}}},
        {"schedule": "0 3 * * *"},
    ),
    "externalsecret": (
        "ExternalSecret",
        {"externalSecrets": {"n": {"spec": {"refreshInterval": "1h"}}}},
        {"refreshInterval": "1h"},
    ),
    "secretstore": (
        "SecretStore",
        {"secretStores": {"n": {"spec": {"provider": {"aws": {}}}}}},
        {"provider": {"aws": {}}},
    ),
    "vaultdynamicsecret": (
        "VaultDynamicSecret",
        {"vaultDynamicSecrets": {"n": {"spec": {"path": "database/creds/n"}}}},
        {"path": "database/creds/n"},
    ),
    "horizontalpodautoscaler": (
        "HorizontalPodAutoscaler",
        {"autoscaling": AUTOSCALING},
        {"minReplicas": 3, "maxReplicas": 20},
    ),
    "httproute": (
        "HTTPRoute",
        {"httpRoutes": {"n": {"spec": {"hostnames": ["a"]}}}},
        {"hostnames": ["a"]},
    ),
    "ingress": (
        "Ingress",
        {"ingresses": {"n": {"spec": {"ingressClassName": "istio"}}}},
        {"ingressClassName": "istio"},
    ),
    "job": ("Job", {"jobs": {"n": {"spec": POD}}}, {}),
    "networkpolicy": (
        "NetworkPolicy",
        {"networkPolicies": {"n": {"spec": {"podSelector": {}}}}},
        {"podSelector": {}},
    ),
    "persistentvolumeclaim": (
        "PersistentVolumeClaim",
        {"persistentVolumeClaims": {"n": {"spec": {"accessModes": ["ReadWriteOnce"]}}}},
        {"accessModes": ["ReadWriteOnce"]},
    ),
    "poddisruptionbudget": (
        "PodDisruptionBudget",
        {"replicaCount": 3, "podDisruptionBudget": {"minAvailable": 2}},
        {"minAvailable": 2},
    ),
    "service": ("Service", {"ports": {"http": 3000}}, {"type": "ClusterIP"}),
    "servicemonitor": (
        "ServiceMonitor",
        {"serviceMonitors": {"n": {"spec": {"endpoints": [{"port": "http"}]}}}},
        {"endpoints": [{"port": "http"}]},
    ),
    "analysistemplate": (
        "AnalysisTemplate",
        {"analysisTemplates": {"n": {"spec": {"a": 1}}}},
        {"a": 1},
    ),
    "canary": ("Canary", {"canaries": {"n": {"spec": {"a": 1}}}}, {"a": 1}),
    "destinationrule": (
        "DestinationRule",
        {"destinationRules": {"n": {"spec": {"a": 1}}}},
        {"a": 1},
    ),
    "authorizationpolicy": (
        "AuthorizationPolicy",
        {"authorizationPolicies": {"n": {"spec": {"a": 1}}}},
        {"a": 1},
    ),
    "gateway": ("Gateway", {"gateways": {"n": {"spec": {"a": 1}}}}, {"a": 1}),
    "metrictemplate": ("MetricTemplate", {"metricTemplates": {"n": {"spec": {"a": 1}}}}, {"a": 1}),
    "rollout": ("Rollout", {"rollouts": {"n": {"spec": {"a": 1}}}}, {"a": 1}),
}
HPA = "HorizontalPodAutoscaler"
#: A service has these in any case.
ALWAYS = {"deployment": "Deployment", "serviceaccount": "ServiceAccount"}


@pytest.fixture
def make(tmp_path):
    def make(values, *args):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        return templated(CHART, NAME, "-f", str(file), *args)

    return make


@pytest.fixture
def refused(tmp_path):
    def refused(values):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        done = helm("template", NAME, str(CHART), "-f", str(file))
        assert done.returncode != 0, "taken"
        return done.stderr

    return refused


def of_kind(objects, kind):
    return [manifest for manifest in objects if manifest["kind"] == kind]


def test_each_template_has_its_test():
    files = {path.stem for path in CHART.glob("templates/*.yaml")}
    assert files == TEMPLATES.keys() | ALWAYS.keys()


def test_every_key_of_the_values_is_in_the_schema():
    known = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert yaml.safe_load((CHART / "values.yaml").read_text()).keys() <= known.keys()


def test_without_values_there_are_a_deployment_and_an_account_and_no_fault_is_found():
    objects = templated(CHART, NAME)
    assert sorted(manifest["kind"] for manifest in objects) == sorted(ALWAYS.values())
    assert helm("lint", "--strict", str(CHART)).returncode == 0


@pytest.mark.parametrize("file", TEMPLATES)
def test_a_template_makes_its_kind_when_its_values_are_there_and_else_nothing(file, make):
    kind, values, spec = TEMPLATES[file]
    assert of_kind(make({}), kind) == []
    (one,) = of_kind(make(values), kind)
    assert one["metadata"]["namespace"] == "demo"
    assert one["metadata"]["labels"]["app.kubernetes.io/name"] == NAME
    assert spec.items() <= one.get("spec", {}).items()


def test_the_objects_of_one_kind_are_as_many_as_their_names(make):
    values = {"networkPolicies": {name: {"spec": {"podSelector": {}}} for name in ("a", "b")}}
    found = of_kind(make(values), "NetworkPolicy")
    assert [manifest["metadata"]["name"] for manifest in found] == ["a", "b"]


def test_a_service_and_a_container_listen_on_the_same_port(make):
    objects = make({"ports": {"http": 3000, "grpc": 9090}})
    (service,), (deployment,) = of_kind(objects, "Service"), of_kind(objects, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert listening == {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
    selected = service["spec"]["selector"].items()
    assert selected <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_a_name_that_is_too_long_for_a_containers_port_is_the_services_alone(make):
    objects = make({"ports": {"a-name-of-20-letters": 3000}})
    (service,), (deployment,) = of_kind(objects, "Service"), of_kind(objects, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"containerPort": 3000}]
    assert service["spec"]["ports"][0]["name"] == "a-name-of-20-letters"


def test_a_deployment_has_a_number_of_pods_only_where_no_autoscaler_owns_it(make):
    (fixed,) = of_kind(make({"replicaCount": 3}), "Deployment")
    (scaled,) = of_kind(make({"autoscaling": AUTOSCALING}), "Deployment")
    assert fixed["spec"]["replicas"] == 3
    assert "replicas" not in scaled["spec"]


def test_an_autoscaler_looks_at_both_percentages(make):
    (scaler,) = of_kind(make({"autoscaling": AUTOSCALING}), "HorizontalPodAutoscaler")
    asked = {
        metric["resource"]["name"]: metric["resource"]["target"]["averageUtilization"]
        for metric in scaler["spec"]["metrics"]
    }
    assert asked == {"cpu": 70, "memory": 80}


def test_pods_are_of_the_restricted_profile_unless_the_values_say_otherwise(make):
    (deployment,) = of_kind(make({}), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 65534
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_changed_setting_changes_the_pods(make):
    def annotation(config):
        (deployment,) = of_kind(make({"config": config}), "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"]["tarmac.dev/config"]

    assert annotation({"A": "1"}) == annotation({"A": "1"})
    assert annotation({"A": "1"}) != annotation({"A": "2"})


def test_a_digest_goes_before_a_tag(make):
    digest = f"sha256:{'a' * 64}"
    (deployment,) = of_kind(
        make({"image": {"repository": "r/x", "tag": "1", "digest": digest}}), "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"r/x@{digest}"


def test_a_migration_runs_before_the_rollout_with_the_services_image(make):
    (job,) = of_kind(make({"image": {"tag": "7"}, "jobs": {"m": {"spec": POD}}}), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "demo:7"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 3}, "Additional property replicas is not allowed"),
        ({"image": {"version": "1"}}, "Additional property version is not allowed"),
        ({"networkPolicies": {"a": {"rules": []}}}, "spec is required"),
        ({"ports": {"http": "3000"}}, "ports.http: Invalid type. Expected: integer"),
        ({"config": {"A": 1}}, "config.A: Invalid type. Expected: string"),
        ({"image": {"repository": "a/b:1"}}, "image.repository: Does not match"),
        ({"probes": {"ready": {}}}, "Additional property ready is not allowed"),
        ({"autoscaling": {"minReplicas": 1, "maxReplicas": 2}}, "cpu is required"),
        (
            {"replicaCount": 3, "autoscaling": AUTOSCALING},
            "left out: an autoscaler owns the number",
        ),
        (
            {"autoscaling": {**AUTOSCALING, "minReplicas": 30}},
            "autoscaling.minReplicas (30) is above maxReplicas (20)",
        ),
        (
            {"autoscaling": AUTOSCALING, "podDisruptionBudget": {"minAvailable": 3}},
            "podDisruptionBudget.minAvailable (3) must be below the least that there are (3)",
        ),
        (
            {"replicaCount": 2, "podDisruptionBudget": {"minAvailable": 2}},
            "must be below the least that there are (2)",
        ),
        ({"jobs": {"m": {"hook": "never", "spec": POD}}}, "jobs.m.hook: Does not match"),
    ],
)
def test_wrong_values_are_refused_and_the_message_says_which(values, said, refused):
    assert said in refused(values)


def test_a_service_that_something_else_makes_is_left_out_and_others_beside_it_are_not(make):
    values = {"ports": {"http": 3000}, "services": {"x-stable": {"spec": {"type": "ClusterIP"}}}}
    found = of_kind(make({**values, "service": {"byOthers": True}}), "Service")
    assert [manifest["metadata"]["name"] for manifest in found] == ["x-stable"]
    assert len(of_kind(make(values), "Service")) == 2


def test_a_label_of_the_selector_is_that_of_the_spread_too(make):
    values = {"selectorLabels": {"app": NAME}, "podLabels": {"app": NAME}}
    (deployment,) = of_kind(make(values), "Deployment")
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": NAME, "app": NAME}
    for rule in spec["template"]["spec"]["topologySpreadConstraints"]:
        assert rule["labelSelector"] == {"matchLabels": {"app": NAME}}


def test_an_autoscaler_scales_what_the_values_say(make):
    target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    (scaler,) = of_kind(make({"autoscaling": {**AUTOSCALING, "target": target}}), HPA)
    assert scaler["spec"]["scaleTargetRef"] == {**target, "name": NAME}
    (scaler,) = of_kind(make({"autoscaling": AUTOSCALING}), HPA)
    assert scaler["spec"]["scaleTargetRef"]["kind"] == "Deployment"
