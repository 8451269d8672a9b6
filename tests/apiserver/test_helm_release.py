"""A service installed, upgraded and rolled back by Helm on a real API server.

Hooks are left out: nothing runs where there are no nodes, so a migration would never end.
"""

from __future__ import annotations

import json
import subprocess

import pytest
from packed import CHART, tool, written
from rendered import artifacts_of, plan_of

pytestmark = pytest.mark.servers
SYSTEM, ENVIRONMENT, NAME = "shop", "production", "order-service"


@pytest.fixture
def helm_on(plane, tmp_path):
    """Give a namespace of its own on a server that knows the kinds of others, and Helm there."""
    namespace = plan_of(SYSTEM, ENVIRONMENT).namespace
    tree = written(artifacts_of(SYSTEM, ENVIRONMENT), tmp_path / "tree")
    for file in sorted((plane.home / "definitions").glob("*.yaml")):
        # As `create`: a second test's finds them there, and an annotation would be too long.
        plane.kubectl("create", "--filename", str(file))
    plane.kubectl("create", "namespace", namespace)

    def helm(*args):
        argv = [tool("helm"), "--kubeconfig", str(plane.kubeconfig), "--namespace", namespace]
        done = subprocess.run(
            [*argv, *args],
            text=True,
            capture_output=True,
            check=False,
            cwd=tree,
            env={"HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield helm
    plane.kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_second_upgrade_changes_nothing_and_a_rollback_brings_the_image_back(helm_on, plane):
    namespace = plan_of(SYSTEM, ENVIRONMENT).namespace
    values = f"charts/values/{NAME}.yaml"
    upgrade = ("upgrade", "--install", NAME, CHART, "--values", values, "--no-hooks")

    def kept():
        kinds = "deployment,service,configmap,serviceaccount,hpa,pdb,networkpolicy"
        found = plane.kubectl(
            *("--namespace", namespace, "get", kinds, "--output", "json"),
            *("--selector", f"app.kubernetes.io/name={NAME}"),
        )
        assert found.returncode == 0, found.stderr
        return {
            f"{item['kind']}/{item['metadata']['name']}": item
            for item in json.loads(found.stdout)["items"]
        }

    def image():
        spec = kept()[f"Deployment/{NAME}"]["spec"]["template"]["spec"]
        return spec["containers"][0]["image"]

    helm_on(*upgrade)
    first = kept()
    assert {f"Deployment/{NAME}", f"Service/{NAME}", f"ConfigMap/{NAME}-config"} <= first.keys()
    before = image()

    helm_on(*upgrade)
    moved = {
        name
        for name, manifest in kept().items()
        if manifest["metadata"]["resourceVersion"] != first[name]["metadata"]["resourceVersion"]
    }
    assert moved == set()
    assert json.loads(helm_on("history", NAME, "--output", "json"))[-1]["revision"] == 2

    helm_on(*upgrade, "--set", "image.tag=9.9.9")
    assert image().endswith(f"/{NAME}:9.9.9")
    helm_on("rollback", NAME, "1", "--no-hooks")
    assert image() == before
