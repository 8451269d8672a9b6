"""What is rendered for Gatekeeper: tried by gator without a cluster, then by pods in one."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cluster_gatekeeper
import pytest
from cluster import Cluster
from cluster_gatekeeper import Programs
from deployed import TARMAC, DeployedSystem
from rendered import ROOT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

NAMESPACE = "held-by-gatekeeper"
SIDECAR = "docker.io/istio/proxyv2:1.20.0"
ROOT_USER = {"securityContext": {"runAsUser": 0}}
CALM = {"securityContext": {"runAsNonRoot": True, "runAsUser": 65534}}


@pytest.fixture(scope="module")
def found() -> Programs:
    """Find Gatekeeper and gator."""
    programs = cluster_gatekeeper.programs()
    if programs is None:
        pytest.skip(cluster_gatekeeper.GET)
    return programs


@pytest.fixture(scope="module")
def held(nodes: Cluster, docker, found: Programs, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Hold a namespace, whose one pod breaks them, to the policies that are rendered for it."""
    folder = tmp_path_factory.mktemp("held")
    system = DeployedSystem.lay_out(nodes, "shop", folder, namespace=NAMESPACE)
    system.edit(
        "    secrets: script\n",
        f"    secrets: script\n    namespace: {NAMESPACE}\n    gatekeeper: deny\n    mesh: istio\n",
    )
    tree = tmp_path_factory.mktemp("tree")
    system.tarmac("render", "--env", "kind", "--out", str(tree))
    nodes.kubectl("create", "namespace", NAMESPACE)
    system.k("apply", "--filename=-", given=json.dumps(pod("before", "nginx:1.29", ROOT_USER)))
    scratch = tmp_path_factory.mktemp("programs")
    cluster_gatekeeper.install(nodes, docker, found, tree, scratch)
    apply(system, tree)
    yield system
    nodes.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def apply(system: DeployedSystem, tree: Path) -> None:
    """Apply the policies in the order of the rendered page."""
    cluster = system.cluster
    cluster.kubectl("apply", f"--filename={tree}/policies/templates")
    kinds = [file.stem for file in (tree / "policies/templates").iterdir()]
    for kind in kinds:
        named = f"crd/{kind}.constraints.gatekeeper.sh"
        system.until(lambda named=named: bool(cluster.kubectl("get", named, check=False)))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", named)
    cluster.kubectl("apply", f"--filename={tree}/policies/constraints")
    # Its webhook is told of a policy a moment after that is kept.
    system.until(lambda: "denied" in try_pod(system, pod("probe", "nginx:1.29", ROOT_USER)))


def pod(name: str, image: str, spec: dict[str, Any], **container: Any) -> dict[str, Any]:
    """Write a pod of one container."""
    own = {"name": "app", "image": image, "imagePullPolicy": "Never", **container}
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, "containers": [own]},
    }


def try_pod(system: DeployedSystem, wanted: dict[str, Any], namespace: str = NAMESPACE) -> str:
    """Ask the API server for a pod without keeping it; gives its refusal, or nothing."""
    command = ("create", "--dry-run=server", "--filename=-", f"--namespace={namespace}")
    kubectl = [system.cluster.programs / "kubectl", f"--kubeconfig={system.cluster.kubeconfig}"]
    done = subprocess.run(
        [*kubectl, *command], input=json.dumps(wanted), capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stderr


def known(system: DeployedSystem) -> str:
    """Name an image that pods of the environment have."""
    (first, *_) = system.rendered("Deployment")
    image: str = first["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_gator_lets_in_what_is_rendered_and_refuses_the_other_samples(
    found: Programs, environment, tmp_path
):
    rendering = [TARMAC, "render", "shop", "--env", environment, "--out", str(tmp_path)]
    subprocess.run(rendering, cwd=ROOT, check=True, capture_output=True)
    done = cluster_gatekeeper.verify(found, tmp_path / "policies/tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"--- PASS: exempt", done.stdout)
    rego = tmp_path / "policies/templates/k8srequirenonroot.yaml"
    text = rego.read_text()
    assert "null, image" in text
    rego.write_text(text.replace("null, image", "[], image"))
    done = cluster_gatekeeper.verify(found, tmp_path / "policies/tests")
    assert done.returncode != 0
    assert re.search(r"--- FAIL: exempt", done.stdout), done.stdout


def test_its_controller_is_available(held: DeployedSystem):
    where = f"--namespace={cluster_gatekeeper.NAMESPACE}"
    named = ("deployment/gatekeeper-controller-manager", "--for=condition=available")
    held.cluster.kubectl("wait", *named, "--timeout=300s", where)


def test_a_root_pod_is_refused_by_the_name_of_its_container(held: DeployedSystem):
    said = try_pod(held, pod("test-root", known(held), ROOT_USER))
    assert 'admission webhook "validation.gatekeeper.sh" denied the request' in said
    assert "container app may run as root" in said
    assert "unknown repository" not in said


def test_a_pod_that_says_nothing_and_an_init_container_that_undoes_it_are_refused(
    held: DeployedSystem,
):
    assert "container app may run as root" in try_pod(held, pod("silent", known(held), {}))
    wanted = pod("undone", known(held), CALM)
    undone = {"name": "first", "image": known(held), "securityContext": {"runAsNonRoot": False}}
    wanted["spec"]["initContainers"] = [undone]
    said = try_pod(held, wanted)
    assert "container first may run as root" in said
    assert "container app" not in said


def test_images_of_others_and_without_a_version_are_refused(held: DeployedSystem):
    assert "unknown repository" in try_pod(held, pod("strange", "nginx:1.29", CALM))
    repository = known(held).rpartition(":")[0]
    assert "has no version" in try_pod(held, pod("latest", f"{repository}:latest", CALM))


def test_what_is_rendered_is_let_in_and_so_is_a_sidecar_whose_tag_has_dots(held: DeployedSystem):
    assert try_pod(held, pod("calm", known(held), CALM)) == ""
    assert try_pod(held, pod("sidecar", SIDECAR, ROOT_USER)) == ""
    assert try_pod(held, pod("other", "nginx", ROOT_USER), "default") == ""


def test_what_ran_before_is_listed(held: DeployedSystem):
    def listed() -> list[dict[str, Any]]:
        read = held.cluster.read("k8srequirenonroot", f"{NAMESPACE}-requirenonroot")
        found: list[dict[str, Any]] = read.get("status", {}).get("violations", [])
        return found

    held.until(lambda: bool(listed()))
    assert {(one["kind"], one["name"]) for one in listed()} == {("Pod", "before")}
