"""Caller tokens in the rendered pods, beside the edges of the model."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo
from rendered import TYPICAL, artifacts_of, plan_of, system_of

from tarmac.base.artifact import Artifact
from tarmac.base.launch import redact
from tarmac.plan.deploy import deploy

FOLDER = "/var/run/secrets/tarmac.dev"


def pods_of(system: str, environment: str) -> dict[tuple[str, str], dict]:
    """Find each pod's spec, by the kind and the name of what makes it."""
    found = {}
    for made in artifacts_of(system, environment):
        if isinstance(made, Artifact) and made.is_object:
            spec = made.data.get("spec") or {}
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            if isinstance(template := spec.get("template"), dict) and "spec" in template:
                found[made.data["kind"], made.data["metadata"]["name"]] = template["spec"]
    return found


def audiences(pod: dict) -> list[str]:
    """List the audiences of a pod's tokens; "" is the API server."""
    sources = [s for v in pod.get("volumes", ()) for s in v.get("projected", {}).get("sources", ())]
    tokens = [s["serviceAccountToken"] for s in sources if "serviceAccountToken" in s]
    return [token.get("audience", "") for token in tokens]


@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_a_pod_has_a_token_for_each_service_that_it_calls_and_for_no_other(system, environment):
    calls = {
        (edge.source, edge.target)
        for edge in system_of(system).edges
        if edge.kind == "call" and edge.source != edge.target
    }
    plan, pods = plan_of(system, environment), pods_of(system, environment)
    assert calls
    for workload in plan.services:
        pod = pods["Deployment", workload.name]
        called = sorted(target for source, target in calls if source == workload.name)
        has_callers = any(target == workload.name for _, target in calls)
        asks = bool(workload.parts) and has_callers
        assert sorted(audiences(pod)) == sorted([*called, *([""] if asks else [])])
        assert pod["automountServiceAccountToken"] is False
        mounts = {m["name"]: m for m in pod["containers"][0]["volumeMounts"]}
        for name, there, folder in (
            ("caller-tokens", called, "callers"),
            ("caller-keys", asks, "keys"),
        ):
            assert (name in mounts) is bool(there)
            if there:
                wanted = {"name": name, "mountPath": f"{FOLDER}/{folder}", "readOnly": True}
                assert mounts[name] == wanted
    for (kind, name), pod in pods.items():
        if kind != "Deployment":  # stores, their set-ups, migrations; tasks are services' own
            assert "" not in audiences(pod), name
            assert not audiences(pod) or "migration" not in name


def test_a_service_trusts_the_subjects_of_its_callers_in_its_own_namespace():
    more = "\n    environments: {kind: {namespace: elsewhere}}\n"
    plan = deploy(demo(DEMO + more), "kind", KINDS)

    def told(name: str) -> dict[str, str]:
        env = plan.workload(name).env
        return {
            key.removeprefix("TARMAC_"): redact(one.value)
            for key, one in env.items()
            if key.startswith("TARMAC_")
        }

    assert told("product-service") == {
        "CALLERS": "system:serviceaccount:elsewhere:order-service",
        "CALLER_JWKS_URL": "https://kubernetes.default.svc/openid/v1/jwks",
        "CALLER_JWKS_CA_FILE": f"{FOLDER}/keys/ca.crt",
        "CALLER_JWKS_TOKEN_FILE": f"{FOLDER}/keys/token",
        "PUBLIC_PATHS": "",
    }
    orders = told("order-service")
    assert orders["CALLER_TOKEN_FILE"] == f"{FOLDER}/callers/{{callee}}"
    assert orders["CALLEES"] == "product-service=http://product-service:8000"
    assert plan.workload("order-service").caller_tokens == ("product-service",)


def test_code_that_is_not_the_kits_gets_keys_where_its_author_says_that_it_checks():
    main = DEMO.replace(
        "      order-service:\n        source",
        """      other:
        run: [./other]
        port: 9100
      order-service:
        source""",
    ).replace("        calls: [{product-service: {", "        calls: [other, {product-service: {")
    main += "\n    environments: {kind: {}}\n"
    silent = deploy(demo(main), "kind", KINDS).workload("other")
    assert not silent.caller_keys
    assert "TARMAC_CALLERS" not in silent.env
    main = main.replace("port: 9100", "port: 9100\n        trust: tokens")
    written = deploy(demo(main), "kind", KINDS).workload("other")
    assert written.caller_keys
    assert "TARMAC_CALLERS" in written.env


def test_docker_compose_issues_none():
    more = "\n    environments: {there: {target: compose}}\n"
    plan = deploy(demo(DEMO + more), "there", KINDS)
    for workload in plan.services:
        assert not [key for key in workload.env if key.startswith("TARMAC_")]
        assert not workload.caller_tokens
        assert not workload.caller_keys
