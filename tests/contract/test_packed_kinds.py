"""Every kind that a service can have survives the way into values or an overlay, and back."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo
from packed import CHART, built, differences, templated, written
from rendered import RENDERERS, plan_of

from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.kubernetes.parts.metadata import an_object, by_workload, labels, selector
from tarmac.render.renderer import Renderer

NAME = "order-service"
PACKING = ("k8s-services", "helm", "kustomize")


def pod(plan, image):
    return {
        "metadata": {"labels": labels(plan, NAME, "service")},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": NAME,
            "containers": [{"name": "run", "image": image, "args": ["x"]}],
        },
    }


def every_kind(plan):
    """Make one object of each kind, as a renderer of its own would."""
    workload = plan.workload(NAME)

    def make(api, kind, spec, name=NAME, **more):
        return an_object(plan, api, kind, name, {"spec": spec}, of=workload, **more)

    percent = {
        resource: {"type": "Utilization", "averageUtilization": number}
        for resource, number in (("cpu", 70), ("memory", 80))
    }
    metrics = [
        {
            "type": "ContainerResource",
            "containerResource": {"name": name, "container": NAME, "target": target},
        }
        for name, target in percent.items()
    ]
    more_metrics = [{"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "x"}}}]
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 300}}
    of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    numbers = {"minReplicas": 3, "maxReplicas": 20}
    yield make(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {
            "scaleTargetRef": of,
            **numbers,
            "metrics": metrics + more_metrics,
            "behavior": behavior,
        },
        annotations={"why": "load"},
    )
    match = {"selector": {"matchLabels": selector(NAME)}}
    yield make("policy/v1", "PodDisruptionBudget", {"minAvailable": 2, **match})
    rules = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}
    yield make("networking.k8s.io/v1", "NetworkPolicy", rules)
    yield make("networking.k8s.io/v1", "NetworkPolicy", rules, f"{NAME}-egress")
    secret = {"secretStoreRef": {"name": "s"}, "target": {"name": f"{NAME}-secrets"}}
    yield make("external-secrets.io/v1", "ExternalSecret", secret, f"{NAME}-secrets")
    endpoints = {"endpoints": [{"port": "http", "path": "/metrics"}], **match}
    yield make("monitoring.coreos.com/v1", "ServiceMonitor", endpoints)
    entry = {"ingressClassName": "istio", "rules": [{"host": "a.example.com"}]}
    yield make("networking.k8s.io/v1", "Ingress", entry, folder="ingress")
    route = {"hostnames": ["a.example.com"], "rules": []}
    yield make("gateway.networking.k8s.io/v1", "HTTPRoute", route, annotations={"a": "b"})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    yield make("v1", "PersistentVolumeClaim", claim, f"{NAME}-media")
    once = {"backoffLimit": 3, "template": pod(plan, workload.image)}
    yield make("batch/v1", "Job", once, f"{NAME}-migrate")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"template": pod(plan, "other:1")}}
    at = {"schedule": "0 3 * * *", "jobTemplate": template}
    yield make("batch/v1", "CronJob", at, f"{NAME}-nightly")


@pytest.fixture
def tree(tmp_path):
    plan = plan_of("shop", "production")
    added = Renderer("every-kind", "kubernetes", "Every kind", every_kind)
    chosen = {name: RENDERERS[name] for name in PACKING}
    found = artifacts(plan, {**chosen, added.id: added})
    written(found, tmp_path)
    objects = [artifact for artifact in found if artifact.path.startswith("k8s/")]
    plain = [artifact.data for artifact in by_workload(objects)[NAME]]
    return tmp_path, plain


def packed_by_helm(folder, *args):
    values = str(folder / f"charts/values/{NAME}.yaml")
    return templated(folder / CHART, NAME, "-f", values, *args, namespace="ecommerce-prod")


def test_the_chart_gives_every_kind(tree):
    folder, plain = tree
    assert len({manifest["kind"] for manifest in plain}) == 14
    found = differences(plain, packed_by_helm(folder))
    assert not found, "\n".join(found)


def test_an_overlay_gives_every_kind(tree):
    folder, plain = tree
    found = differences(plain, built(folder / f"kustomize/overlays/production/{NAME}"))
    assert not found, "\n".join(found)


def images(objects):
    found = {}
    for manifest in objects:
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        for one in spec.get("template", {}).get("spec", {}).get("containers", []):
            found[manifest["kind"]] = one["image"]
    return found


def test_a_new_tag_in_one_place_reaches_the_deployment_and_the_migration(tree):
    folder, _ = tree
    with_helm = images(packed_by_helm(folder, "--set", "image.tag=9.9.9"))
    overlay = folder / f"kustomize/overlays/production/{NAME}"
    file = overlay / "kustomization.yaml"
    file.write_text(file.read_text().replace("newTag: 0.1.0", "newTag: 9.9.9"))
    for found in (with_helm, images(built(overlay))):
        assert found["Deployment"].endswith(f"/{NAME}:9.9.9")
        assert found["Job"] == found["Deployment"]
        assert found["CronJob"] == "other:1"


def test_a_job_with_its_services_account_is_a_hook_that_comes_after_the_first_install(tree):
    (job,) = [manifest for manifest in packed_by_helm(tree[0]) if manifest["kind"] == "Job"]
    annotations = job["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "post-install,pre-upgrade"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_a_kind_without_a_template_is_named_in_the_values():
    plan = plan_of("shop", "production")

    def strange(plan):
        yield an_object(plan, "x.io/v1", "Odd", NAME, {"spec": {}}, of=plan.workload(NAME))

    chosen = {name: RENDERERS[name] for name in PACKING}
    added = Renderer("odd", "kubernetes", "Odd", strange)
    found = artifacts(plan, {**chosen, added.id: added})
    (values,) = [artifact for artifact in found if artifact.path == f"charts/values/{NAME}.yaml"]
    notes = values.notes
    assert notes[1:] == ("The chart has no template for Odd: apply k8s/order-service/odd.yaml.",)


def test_an_overlay_takes_away_what_its_environment_has_not(tree):
    folder, _ = tree
    other = "user-service"
    kinds = {
        manifest["kind"] for manifest in built(folder / f"kustomize/overlays/production/{other}")
    }
    assert "HorizontalPodAutoscaler" not in kinds
    based = {manifest["kind"] for manifest in built(folder / f"kustomize/base/{other}")}
    assert "HorizontalPodAutoscaler" in based


OTHERS = """
    environments:
      production:
        packaging: [helm, kustomize]
        replicas: {min: 2, max: 4, cpu: 70}
        images: {web: "sha256:DIGEST"}
    """.replace("DIGEST", "a" * 64)


@pytest.mark.parametrize(
    "edit",
    [
        ("port: 8080", "port: 8080\n        volumes: {media: var/media}"),
        ("port: 8080", "ports: {http: 8080, admin: 9090}\n        listen: fixed"),
        ("port: 8080", "port: 8080\n        probe: {command: [check, it]}"),
    ],
    ids=["a disk", "two ports", "a probe without HTTP"],
)
def test_a_service_of_any_language_survives_as_well(edit, tmp_path):
    plan = deploy(demo(DEMO.replace(*edit) + OTHERS), "production", KINDS)
    found = artifacts(plan, {name: RENDERERS[name] for name in PACKING})
    tree = written(found, tmp_path)
    parts = by_workload(artifact for artifact in found if artifact.path.startswith("k8s/"))
    for name in ("web", "payment-service"):
        plain = [part.data for part in parts[name]]
        values = str(tree / f"charts/values/{name}.yaml")
        by_chart = templated(tree / CHART, name, "-f", values, namespace="demo")
        by_overlay = built(tree / f"kustomize/overlays/production/{name}")
        unlike = differences(plain, by_chart) + differences(plain, by_overlay)
        assert not unlike, "\n".join(unlike)
