"""What is rendered for Argo CD, followed by it: it fills a namespace and keeps it equal to Git.

One system after another, each in a namespace of its own; only its root Application is applied.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import argo_processes
import cluster_argo
import pytest
import store_images
from cluster import Cluster
from cluster_argo import HOME, TRIALS, Followed
from cluster_node import PAUSE
from deployed import TARMAC

from tarmac.base.report import Skip
from tarmac.check.gates.views.argo.applications import wave_of
from tarmac.check.gates.views.programs import find

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

#: Of the rendered script: what it needs for charts, and its wait for a server that is not here.
NEEDS = "need helm kubectl\n"
WAITS = """\
kubectl wait --for=condition=available --timeout=300s --namespace argocd \\
  deployment/argocd-server
"""
#: From the pod itself: policies may let nothing else ask it.
ASKS = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:{}{}").status)
"""
#: Commits in a row; twenty, as many as a day may have, with TARMAC_CYCLES=20.
CYCLES = int(os.environ.get("TARMAC_CYCLES", "3"))
#: A service that is not there yet.
NEW = "notes"
GENERAL, SPOT = ("node1", "node2"), "node3"
#: Takes no settings, as long as it is there.
REFUSAL = "settings-refused"
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module")
def groups(nodes: Cluster) -> Iterator[None]:
    """Divide the nodes as the shop's roadmap does: two for all, and one like a spot node."""
    nodes.kubectl("label", "nodes", *GENERAL, "role=general")
    nodes.kubectl("label", "node", SPOT, "capacity=spot")
    nodes.kubectl("taint", "node", SPOT, "capacity=spot:NoSchedule")
    yield
    nodes.kubectl("taint", "node", SPOT, "capacity-")


@pytest.fixture(scope="module")
def repositories(nodes: Cluster, groups, tmp_path_factory) -> Path:
    """Start Argo CD in a cluster that has nothing of what it is to follow."""
    programs = argo_processes.home()
    if programs is None:
        pytest.skip(argo_processes.GET)
    folder: Path = tmp_path_factory.mktemp("argo")
    cluster_argo.begin(nodes, programs, folder)
    return folder / "git"


@pytest.fixture(scope="module", params=TRIALS)
def followed(
    nodes: Cluster, pulled, lacking, repositories, request, tmp_path_factory
) -> Iterator[Followed]:
    """Lay out what Argo CD is to follow; it and its namespace are deleted after its tests."""
    name: str = request.param
    store_images.require(pulled[name], lacking)
    if TRIALS[name].source == "helm":
        try:
            find("helm")
        except Skip as error:
            pytest.skip(str(error))
    made = cluster_argo.lay_out(nodes, name, tmp_path_factory.mktemp(name), repositories)
    made.commit("feat: what is rendered")
    cluster_argo.follow(made)
    yield made
    # The root first, or it makes the others again.
    cluster_argo.forget(made)
    nodes.kubectl("delete", "namespace", made.system.namespace, "--wait=false")


@pytest.fixture(scope="module")
def filled(followed: Followed) -> Followed:
    """Fill the namespace by the rendered script, without the charts that it would download."""
    began = time.monotonic()
    text = (followed.clone / HOME / "bootstrap/start.sh").read_text()
    for there, instead in ((NEEDS, "chart() { :; }\nneed_secret() { :; }\n"), (WAITS, "")):
        assert text.count(there) == 1
        text = text.replace(there, instead)
    done = subprocess.run(
        ["bash", "-c", text, "bootstrap/start.sh"],
        cwd=followed.clone / HOME,
        env=followed.system.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cluster_argo.lead(followed, within_s=300)
    followed.until_at(followed.head(), within_s=300)
    print(f"{followed.system.system}: filled from Git after {time.monotonic() - began:.0f} s")
    return followed


def test_one_command_fills_an_empty_namespace_from_git_in_waves(filled):
    applications = filled.applications()
    (root,) = (name for name in applications if name.startswith(f"{filled.system.system}-root"))
    assert applications.pop(root)["status"]["resources"]
    synced: dict[int, list[tuple[str, str]]] = {}
    for one in applications.values():
        (first, *_) = one["status"]["history"]
        synced.setdefault(wave_of(one), []).append(
            (one["metadata"]["creationTimestamp"], first["deployedAt"])
        )
    # The next wave is not even there before all of the one before have been deployed.
    order = [synced[wave] for wave in sorted(synced)]
    assert len(order) > 3
    for before, after in pairwise(order):
        assert max(deployed for _, deployed in before) <= min(created for created, _ in after)
    statuses = [one for pod in filled.system.pods() for one in pod["status"]["containerStatuses"]]
    assert not sum(one["restartCount"] for one in statuses)


def test_what_argo_cd_has_made_serves(filled):
    service = filled.trial.service
    pod = filled.system.read("deployment", service)["spec"]["template"]["spec"]
    asked = ASKS.format(pod["containers"][0]["ports"][0]["containerPort"], filled.trial.path)
    where = (f"deployment/{service}", f"--container={service}")
    assert filled.system.k("exec", *where, "--", "python3", "-c", asked).strip() == "200"


def test_its_pods_are_on_the_nodes_that_the_environment_names(filled):
    assert {pod["spec"]["nodeName"] for pod in filled.system.pods()} == {*GENERAL}


def test_only_a_pod_that_tolerates_it_is_placed_on_a_spot_node(nodes, groups):
    tolerates = [{"key": "capacity", "value": "spot", "effect": "NoSchedule"}]
    both = {"with": tolerates, "without": []}
    chosen = {"nodeSelector": {"capacity": "spot"}, "containers": [{"name": "it", "image": PAUSE}]}
    nodes.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {**chosen, "tolerations": listed},
            }
            for name, listed in both.items()
        ]
    )
    nodes.kubectl("wait", "pod/with", "--for=condition=ready", "--timeout=60s")
    nodes.kubectl("wait", "pod/without", "--for=condition=podscheduled=false", "--timeout=60s")
    assert nodes.read("pod", "with")["spec"]["nodeName"] == SPOT
    (condition,) = nodes.read("pod", "without")["status"]["conditions"]
    assert "untolerated taint" in condition["message"]
    nodes.kubectl("delete", "pod", *both, "--now")


def test_an_edit_is_taken_back_and_the_autoscaler_s_number_is_not(filled):
    system, service = filled.system, filled.trial.service

    def deployed() -> dict[str, Any]:
        found: dict[str, Any] = system.read("deployment", service)["spec"]
        return found

    def image() -> str:
        return str(deployed()["template"]["spec"]["containers"][0]["image"])

    was = image()
    scaled = '{"spec": {"minReplicas": 2}}'
    system.k("patch", "horizontalpodautoscaler", service, "--type=merge", f"--patch={scaled}")
    system.k("scale", f"deployment/{service}", "--replicas=2")
    system.k("set", "image", f"deployment/{service}", f"{service}=nowhere.example.com/it:1")
    system.until(lambda: image() == was)
    system.until(
        lambda: system.read("horizontalpodautoscaler", service)["spec"]["minReplicas"] == 1
    )
    filled.until_at(filled.head())
    assert deployed()["replicas"] == 2


def test_what_the_cluster_refuses_for_a_while_is_tried_again(filled):
    system = filled.system
    with refused(filled):
        address = next_address(filled, "refused")
        commit = filled.commit("chore: another address, at a bad moment")
        system.until(lambda: retries(filled) > 0)
    filled.until_at(commit)
    assert setting(filled) == address


@pytest.mark.timeout(1500 + 60 * CYCLES)
def test_commits_in_a_row_roll_out_by_themselves_and_what_is_gone_from_git_is_pruned(filled):
    system, service = filled.system, filled.trial.administered
    started = {pod["metadata"]["name"] for pod in system.pods(service)}
    for number in range(CYCLES):
        address = next_address(filled, str(number))
        commit = filled.commit(f"chore: mail {address}")
        system.until(lambda: setting(filled) == address)  # noqa: B023 - waits within the loop
    system.edit("    replicas: {min: 1, max: 3, cpu: 70}\n", "")
    commit = filled.commit("feat: no autoscaler")
    filled.until_at(commit)
    assert not system.read("horizontalpodautoscalers")["items"]
    now = {pod["metadata"]["name"] for pod in system.pods(service)}
    assert now
    assert not now & started


def test_a_new_service_has_an_application_that_syncs_from_its_own_path(filled):
    """By the templates that the portal's form calls, too. The last one: its image is not there."""
    system, before = filled.system, filled.applications().keys()
    system.own_services()
    command = [TARMAC, "new", "service", NEW]
    subprocess.run(command, cwd=system.file.parent, env=system.env(), check=True)
    filled.commit(f"feat: the service {NEW}")

    def synced() -> bool:
        found = [one for name, one in filled.applications().items() if name not in before]
        return [one.get("status", {}).get("sync", {}).get("status") for one in found] == ["Synced"]

    filled.until(synced)
    (name,) = filled.applications().keys() - before
    assert NEW in str(filled.applications()[name]["spec"]["source"])
    (made,) = (one for one in system.rendered("Deployment") if one["metadata"]["name"] == NEW)
    (live,) = system.read("deployment", NEW)["spec"]["template"]["spec"]["containers"]
    assert live["image"] == made["spec"]["template"]["spec"]["containers"][0]["image"]


def next_address(followed: Followed, name: str) -> str:
    """Write another administrator's address into the model."""
    file = followed.system.file
    text, changed = re.subn(r"({ADMIN_EMAIL: )[^@]+@", rf"\g<1>{name}@", file.read_text())
    assert changed == 1
    file.write_text(text)
    (address,) = re.findall(r"{ADMIN_EMAIL: ([^\s}]+)", text)
    return str(address)


def setting(followed: Followed) -> str:
    """Return the administrator's address that the cluster has."""
    read = followed.system.read("configmap", f"{followed.trial.administered}-config")
    return str(read["data"]["ADMIN_EMAIL"])


def retries(followed: Followed) -> int:
    """Count how often a sync that runs now was begun again."""
    states = [one["status"].get("operationState", {}) for one in followed.applications().values()]
    return sum(state.get("retryCount", 0) for state in states)


@contextmanager
def refused(followed: Followed) -> Iterator[None]:
    """Have the API server refuse every change of settings in the namespace."""
    system = followed.system
    changes = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["configmaps"],
        "operations": ["UPDATE"],
    }
    names = {"matchLabels": {"kubernetes.io/metadata.name": system.namespace}}
    here = {"matchResources": {"namespaceSelector": names}}
    policy = {
        "matchConstraints": {"resourceRules": [changes]},
        "validations": [{"expression": "false", "message": "not now"}],
    }
    binding = {"policyName": REFUSAL, "validationActions": ["Deny"], **here}
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    system.cluster.apply(
        [
            {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": REFUSAL}, "spec": spec}
            for kind, spec in kinds.items()
        ]
    )
    named = ("patch", "configmap", f"{followed.trial.administered}-config", "--type=merge")
    tried = (*named, '--patch={"data": {"TRIED": "1"}}', "--dry-run=server", "--output=name")
    system.until(lambda: not system.k(*tried, check=False))  # it takes some time to be known
    try:
        yield
    finally:
        for kind in kinds:
            system.cluster.kubectl("delete", kind, REFUSAL)
