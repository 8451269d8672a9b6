"""A mesh refuses plain text and unknown callers, and leaves failing endpoints out for a while."""

from __future__ import annotations

import pytest
import yaml
from rendered import KINDS, RENDERERS, ROOT, artifact_of, artifacts_of, plan_of

from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.kubernetes.parts.runs import runs

MESHED = [("shop", "production"), ("travel", "stg")]
in_meshes = pytest.mark.parametrize(("system", "environment"), MESHED)


def of_kind(system, environment, kind):
    """Find the objects of a kind, by name."""
    return {
        artifact.data["metadata"]["name"]: artifact.data
        for artifact in artifacts_of(system, environment)
        if artifact.is_object and artifact.data["kind"] == kind
    }


def admitted(system, environment):
    """List who may call what, as the policies say: caller, callee, port."""
    found = set()
    for name, policy in of_kind(system, environment, "AuthorizationPolicy").items():
        for rule in policy["spec"].get("rules", ()):
            (to,) = rule["to"]
            callers = {
                caller.rpartition("/")[2]
                for peer in rule["from"]
                for caller in (
                    *peer["source"].get("principals", ()),
                    *(f"/{space}" for space in peer["source"].get("namespaces", ())),
                )
            }
            found |= {
                (caller, name, int(port)) for caller in callers for port in to["operation"]["ports"]
            }
    return found


@in_meshes
def test_plain_text_is_refused_in_the_whole_namespace(system, environment):
    (only,) = of_kind(system, environment, "PeerAuthentication").values()
    assert only["spec"] == {"mtls": {"mode": "STRICT"}}
    assert only["metadata"]["namespace"] == plan_of(system, environment).namespace


@in_meshes
def test_each_declared_edge_is_admitted_and_no_other_caller(system, environment):
    plan = plan_of(system, environment)
    named = {"world": plan.settings.ingress.namespace}
    inside = {workload.name for workload in plan.workloads}
    wanted = {
        (named.get(edge.source, edge.source), edge.target, edge.port)
        for edge in plan.allowed
        if edge.target in inside
    }
    wanted |= {
        (plan.settings.monitoring, workload.name, workload.metrics)
        for workload in plan.workloads
        if workload.metrics is not None
    }
    wanted |= {  # a store's set-up has the store's own account
        (store.name, store.name, next(iter(store.ports.values())))
        for store in plan.stores
        if [*runs(store)]
    }
    assert admitted(system, environment) == wanted


@in_meshes
def test_a_workload_that_is_named_nowhere_has_no_caller(system, environment):
    assert of_kind(system, environment, "AuthorizationPolicy")["default-deny"]["spec"] == {}


@in_meshes
def test_every_called_service_has_limits_and_leaves_out_what_fails(system, environment):
    plan = plan_of(system, environment)
    called = {edge.target for edge in plan.allowed if edge.target_role == "service"}
    ruled = {
        rule["spec"]["host"].partition(".")[0]: rule["spec"]["trafficPolicy"]
        for rule in of_kind(system, environment, "DestinationRule").values()
    }
    tried = {
        name: canary["spec"]["service"]["trafficPolicy"]
        for name, canary in of_kind(system, environment, "Canary").items()
    }
    assert called - {*ruled, *tried} == set()
    for policy in (*ruled.values(), *tried.values()):
        assert policy["tls"] == {"mode": "ISTIO_MUTUAL"}
        assert policy["outlierDetection"]["maxEjectionPercent"] <= 50, "some endpoint is left"


def test_both_revisions_of_a_rollout_have_the_rule_of_their_service():
    rules = of_kind("travel", "stg", "DestinationRule")
    assert {"catalog", "catalog-stable", "catalog-canary"} <= rules.keys()


def test_no_rule_is_made_beside_those_that_flagger_makes():
    rules = of_kind("shop", "production", "DestinationRule")
    assert not {name for name in rules if name.startswith(("api-gateway", "product-service"))}


@in_meshes
def test_prometheus_scrapes_with_a_certificate_that_its_pods_get(system, environment):
    monitors = of_kind(system, environment, "ServiceMonitor").values()
    files = {
        endpoint["tlsConfig"][key].rpartition("/")[0]
        for monitor in monitors
        for endpoint in monitor["spec"]["endpoints"]
        for key in ("caFile", "certFile", "keyFile")
    }
    values = artifact_of(
        system, environment, "observability/values/kube-prometheus-stack.yaml"
    ).data
    (mounted,) = values["prometheus"]["prometheusSpec"]["volumeMounts"]
    assert files == {mounted["mountPath"]}


def test_profile_and_values_say_the_same_and_admission_knows_the_sidecar():
    profile = artifact_of("shop", "production", "mesh/profile.yaml").data["spec"]
    values = artifact_of("shop", "production", "mesh/values/istiod.yaml").data
    assert profile["meshConfig"] == values["meshConfig"]
    assert profile["values"]["pilot"] == values["pilot"]
    assert profile["hub"] == values["global"]["hub"]
    policy = of_kind("shop", "production", "ValidatingAdmissionPolicy")
    assert f"{profile['hub']}/proxyv2" in str(policy)


def test_where_there_is_no_mesh_there_is_nothing_of_it():
    kinds = {a.data["kind"] for a in artifacts_of("shop", "kind") if a.is_object}
    assert kinds & {"PeerAuthentication", "AuthorizationPolicy", "DestinationRule"} == set()
    assert not [a.path for a in artifacts_of("shop", "kind") if a.path.startswith("mesh/")]


def test_a_mesh_can_be_chosen_for_any_system_in_a_cluster():
    path = "systems/hello-dd/tarmac.yaml"
    model = yaml.safe_load((ROOT / path).read_bytes())
    model["environments"]["production"]["mesh"] = "istio"
    own = {path: yaml.safe_dump(model, sort_keys=False).encode()}
    system = load(path, lambda asked: own.get(asked) or (ROOT / asked).read_bytes())
    plan = deploy(system, "production", KINDS)
    found = [one.data for one in artifacts(plan, RENDERERS) if one.is_object]
    kinds = {one["kind"] for one in found}
    assert {"PeerAuthentication", "AuthorizationPolicy", "DestinationRule"} <= kinds
    (space,) = (one for one in found if one["kind"] == "Namespace")
    assert space["metadata"]["labels"]["istio-injection"] == "enabled"
