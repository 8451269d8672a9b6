"""What is rendered for Argo CD, followed by it: it fills a namespace and keeps it equal to Git.

hello-dd once more, in a namespace of its own; only its root Application is applied.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import cluster_argo
import pytest
from cluster_argo import HOME, Followed
from deployed import DeployedSystem

from tarmac.check.gates.views.argo.applications import wave_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(500)]

GATEWAY = "api-gateway"
#: Of the rendered script: what it needs for charts, and its wait for a server that is not here.
NEEDS = "need helm kubectl\n"
WAITS = """\
kubectl wait --for=condition=available --timeout=300s --namespace argocd \\
  deployment/argocd-server
"""
ADDRESS = '{"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}}'
#: From the pod itself: policies may let nothing else ask it.
ASKS = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:8083/offers").status)
"""
#: Commits in a row; twenty, as many as a day may have, with TARMAC_CYCLES=20.
CYCLES = int(os.environ.get("TARMAC_CYCLES", "3"))


@pytest.fixture(scope="module")
def followed(hello: DeployedSystem, nodes, tmp_path_factory) -> Iterator[Followed]:
    """Start Argo CD in a cluster that has nothing of what it is to follow."""
    programs = cluster_argo.home()
    if programs is None:
        pytest.skip(cluster_argo.GET)
    made = cluster_argo.lay_out(nodes, tmp_path_factory.mktemp("followed"))
    made.commit("feat: what is rendered")
    cluster_argo.begin(made, programs)
    yield made
    nodes.kubectl("delete", "namespace", made.system.namespace, "--wait=false")


@pytest.fixture(scope="module")
def filled(followed: Followed) -> Followed:
    """Fill the namespace by the rendered script, without the charts that it would download."""
    began = time.monotonic()
    text = (followed.clone / HOME / "bootstrap/start.sh").read_text()
    for there, instead in ((NEEDS, "chart() { :; }\n"), (WAITS, "")):
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
    # It is the last to come, and healthy once an ingress controller has written its address.
    ingresses = partial(followed.system.read, "ingresses")
    followed.system.until(lambda: ingresses()["items"], within_s=300)
    for ingress in ingresses()["items"]:
        name = ingress["metadata"]["name"]
        followed.system.k("patch", "ingress", name, "--subresource=status", f"--patch={ADDRESS}")
    followed.until_at(followed.head(), within_s=300)
    print(f"Argo CD: filled from Git after {time.monotonic() - began:.0f} s")
    return followed


def test_one_command_fills_an_empty_namespace_from_git_in_waves(filled):
    applications = filled.applications()
    root = applications.pop("hello-dd-root")
    assert root["status"]["resources"]
    synced: dict[int, list[tuple[str, str]]] = {}
    for one in applications.values():
        (first, *_) = one["status"]["history"]
        synced.setdefault(wave_of(one), []).append(
            (one["metadata"]["creationTimestamp"], first["deployedAt"])
        )
    # The next wave is not even there before all of the one before have been deployed.
    order = [synced[wave] for wave in sorted(synced)]
    assert len(order) == 6
    for before, after in pairwise(order):
        assert max(deployed for _, deployed in before) <= min(created for created, _ in after)


def test_what_argo_cd_has_made_serves(filled):
    asked = ("exec", f"deployment/{GATEWAY}", f"--container={GATEWAY}", "--", "python3", "-c")
    assert filled.system.k(*asked, ASKS).strip() == "200"


def test_an_edit_is_taken_back_and_the_autoscaler_s_number_is_not(filled):
    system = filled.system

    def gateway() -> dict[str, Any]:
        found: dict[str, Any] = system.read("deployment", GATEWAY)["spec"]
        return found

    def image() -> str:
        return str(gateway()["template"]["spec"]["containers"][0]["image"])

    was = image()
    scaled = '{"spec": {"minReplicas": 2}}'
    system.k("patch", "horizontalpodautoscaler", GATEWAY, "--type=merge", f"--patch={scaled}")
    system.k("scale", f"deployment/{GATEWAY}", "--replicas=2")
    system.k("set", "image", f"deployment/{GATEWAY}", f"{GATEWAY}=nowhere.example.com/it:1")
    system.until(lambda: image() == was)
    system.until(
        lambda: system.read("horizontalpodautoscaler", GATEWAY)["spec"]["minReplicas"] == 1
    )
    filled.until_at(filled.head())
    assert gateway()["replicas"] == 2


def test_commits_in_a_row_roll_out_by_themselves_and_what_is_gone_from_git_is_pruned(filled):
    system = filled.system

    def attempts() -> str:
        found = system.read("configmap", "pricing-service-config")["data"]
        return str(found["PRICE_LIST_ATTEMPTS"])

    started = {pod["metadata"]["name"] for pod in system.pods("pricing-service")}
    for number in range(CYCLES):
        system.edit(f'PRICE_LIST_ATTEMPTS: "{3 + number}"', f'PRICE_LIST_ATTEMPTS: "{4 + number}"')
        commit = filled.commit(f"chore: try price lists {4 + number} times")
        system.until(lambda: attempts() == str(4 + number))  # noqa: B023 - waits within the loop
    system.edit("    replicas: {min: 1, max: 3, cpu: 70}\n", "")
    commit = filled.commit("feat: no autoscaler")
    filled.until_at(commit)
    assert not system.read("horizontalpodautoscalers")["items"]
    now = {pod["metadata"]["name"] for pod in system.pods("pricing-service")}
    assert now
    assert not now & started
