"""A chart with its values, and an overlay, give the very objects of the plain tree."""

from __future__ import annotations

import pytest
from packed import CHART, built, differences, helm, templated, written
from rendered import ENVIRONMENTS, artifacts_of, plan_of

from tarmac.render.kubernetes.parts.metadata import by_workload

PACKED = [
    (system, environment, packaging)
    for system, environment in ENVIRONMENTS
    for packaging in plan_of(system, environment).settings.packaging
]
CHARTS = [packed[:2] for packed in PACKED if packed[2] == "helm"]
OVERLAYS = [packed[:2] for packed in PACKED if packed[2] == "kustomize"]


def plain(system, environment, workload=None):
    """List the objects of one service, or of all, as the plain tree has them."""
    workloads = [workload] if workload else plan_of(system, environment).services
    objects = [e for e in artifacts_of(system, environment) if e.path.startswith("k8s/")]
    parts = by_workload(objects)
    return [part.data for one in workloads for part in parts[one.name]]


def test_the_systems_are_packed_as_their_roadmaps_ask():
    assert {system for system, _ in CHARTS} == {"shop", "trading", "travel"}
    assert [("shop", name) for name in ("dr", "kind", "production", "staging")] == OVERLAYS


@pytest.mark.parametrize(("system", "environment"), CHARTS)
def test_the_chart_gives_the_objects_of_the_plain_tree(system, environment, tmp_path):
    plan = plan_of(system, environment)
    tree = written(artifacts_of(system, environment), tmp_path)
    found = []
    for workload in plan.services:
        values = str(tree / f"charts/values/{workload.name}.yaml")
        packed = templated(tree / CHART, workload.name, "-f", values, namespace=plan.namespace)
        expected = plain(system, environment, workload)
        assert len(expected) >= 4
        found += differences(expected, packed)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("system", "environment"), CHARTS)
def test_helm_finds_no_fault_with_the_chart_and_any_values(system, environment, tmp_path):
    tree = written(artifacts_of(system, environment), tmp_path)
    for workload in plan_of(system, environment).services:
        values = str(tree / f"charts/values/{workload.name}.yaml")
        done = helm("lint", "--strict", str(tree / CHART), "-f", values)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("system", "environment"), OVERLAYS)
def test_the_overlay_gives_the_objects_of_the_plain_tree(system, environment, tmp_path):
    tree = written(artifacts_of(system, environment), tmp_path)
    packed = built(tree / f"kustomize/overlays/{environment}")
    found = differences(plain(system, environment), packed)
    assert not found, "\n".join(found)


def test_a_base_is_the_same_whichever_environment_rendered_it(tmp_path):
    bases = [
        {
            artifact.path: artifact.content
            for artifact in artifacts_of(system, environment)
            if artifact.path.startswith("kustomize/base/")
        }
        for system, environment in OVERLAYS
    ]
    assert bases[0]
    assert bases[0] == bases[1]


def test_a_base_says_nothing_that_an_environment_decides(tmp_path):
    tree = written(artifacts_of("shop", "production"), tmp_path)
    for manifest in built(tree / "kustomize/base"):
        assert "namespace" not in manifest["metadata"]
        assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "shop"
        assert "environment" not in manifest["metadata"]["labels"]
        spec = manifest.get("spec", {})
        assert "replicas" not in spec
        if manifest["kind"] == "HorizontalPodAutoscaler":
            assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 1)
        if manifest["kind"] == "PodDisruptionBudget":
            assert spec["minAvailable"] == 0
        if manifest["kind"] == "Deployment":
            (container,) = spec["template"]["spec"]["containers"]
            assert container["image"] == manifest["metadata"]["name"]
            assert "resources" not in container


def test_a_difference_names_the_object_and_the_key():
    def one(cpu, **more):
        spec = {"containers": [{"resources": {"cpu": cpu}}], **more}
        return {"kind": "Pod", "metadata": {"namespace": "n", "name": "a"}, "spec": spec}

    other = {"kind": "Job", "metadata": {"namespace": "n", "name": "b"}}
    assert differences([one(1, host="x"), other], [one(2)]) == [
        "Job n/b: only in the plain tree",
        "Pod n/a: spec.containers[0].resources.cpu: 1 in the plain tree, 2 in the package",
        "Pod n/a: spec.host: only in the plain tree ('x')",
    ]


def test_what_helm_says_of_an_object_is_no_difference():
    plain_one = {
        "kind": "Job",
        "metadata": {"name": "a", "labels": {"app.kubernetes.io/managed-by": "tarmac"}},
    }
    packed_one = {
        "kind": "Job",
        "metadata": {
            "name": "a",
            "labels": {"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "service-1"},
            "annotations": {"helm.sh/hook": "pre-upgrade"},
        },
    }
    assert differences([plain_one], [packed_one]) == []
