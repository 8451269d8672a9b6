"""New versions of a service that runs, tried by Argo Rollouts as it is rendered.

hello-dd's pricing-service becomes a Rollout while it is asked for prices; then a good version of it
is deployed, one that fails and one that is slow, each while a shop's visitors ask for offers.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import cluster_trials
import pytest
from cluster_trials import SERVICE, TRIED
from deployed import DeployedSystem
from rendered import plan_of

CHANGED, SLOW_S = "tarmac_pricing.service.Pricing.look_up", 0.8

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def tried(hello: DeployedSystem, docker, images, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Give hello-dd in a cluster that has Argo Rollouts, and new versions on its nodes."""
    found = cluster_trials.programs()
    if found is None:
        pytest.skip(cluster_trials.GET)
    image = plan_of("hello-dd", "kind").workload(SERVICE).image
    cluster_trials.bring_versions(
        hello.cluster, docker, image, CHANGED, SLOW_S, tmp_path_factory.mktemp("versions")
    )
    with cluster_trials.running(hello, found, image, tmp_path_factory.mktemp("prometheus")):
        yield hello


def rollout(system: DeployedSystem) -> dict[str, Any]:
    found: dict[str, Any] = system.read("rollout", SERVICE)
    return found


def pods_of(system: DeployedSystem) -> list[dict[str, Any]]:
    """List its pods that are not about to end."""
    return [pod for pod in system.pods(SERVICE) if "deletionTimestamp" not in pod["metadata"]]


def images_of(system: DeployedSystem) -> set[str]:
    """Name the versions that its pods are of."""
    images = (pod["spec"]["containers"][0]["image"] for pod in pods_of(system))
    return {image.partition(":")[2] for image in images}


def runs(system: DeployedSystem) -> str:
    """Say what its analysis runs have measured, for a test that failed."""
    return "\n".join(
        f"{run['metadata']['name']} {metric['name']} {metric['phase']} "
        f"{[measured.get('value', measured['phase']) for measured in metric['measurements']]}"
        for run in system.read("analysisruns")["items"]
        for metric in run.get("status", {}).get("metricResults", ())
    )


def deployed(system: DeployedSystem) -> tuple[int, str, Counter[str]]:
    """Deploy while visitors ask; returns the exit code, what was printed, and their answers."""
    with cluster_trials.visited(system) as answers:
        done = system.deploy(check=False)
    return done.returncode, f"{done.stdout}{done.stderr}{runs(system)}", answers


def asked(system: DeployedSystem) -> Counter[str]:
    """Say what visitors are answered for some seconds."""
    with cluster_trials.visited(system) as answers:
        time.sleep(3)
    return answers


def test_a_service_that_runs_becomes_a_rollout_without_a_failed_request(tried):
    tried.edit("  kind:\n", f"  kind:\n{TRIED}")
    code, printed, answers = deployed(tried)
    assert code == 0, printed
    assert f"Rollout {SERVICE} ready" in printed
    assert rollout(tried)["status"]["phase"] == "Healthy"
    # Its pods are the Rollout's own now, and the Deployment has none.
    tried.until(lambda: not tried.read("deployment", SERVICE)["spec"]["replicas"])
    assert set(answers) == {"200"}, answers
    # What an autoscaler sets between two looks of a plan would be a change.
    tried.until(lambda: "0 added, 0 changed" in tried.deploy("--plan").stdout)


def told(system: DeployedSystem) -> dict[str, Any]:
    """Return what `ps` says of the service."""
    listed = json.loads(system.there("ps", "--json", check=False).stdout)["workloads"]
    (found,) = (one for one in listed if one["name"] == SERVICE)
    return dict(found)


def judged(system: DeployedSystem) -> str:
    """Return what the gate of pods says of all of the system."""
    done = system.there("verify", "--phase", "kubernetes", "--json", check=False)
    results = {one["what"]: one for one in json.loads(done.stdout)["results"]}
    return str(results["gate:RUN002"]["status"])


def test_the_verbs_know_it(tried):
    tried.until(lambda: told(tried)["ready"])  # an autoscaler may be adding a pod
    assert told(tried)["pods"]
    before = {pod["metadata"]["uid"] for pod in pods_of(tried)}
    tried.there("restart", SERVICE, check=False)  # 1 where an autoscaler adds a pod elsewhere
    tried.until(lambda: told(tried)["ready"])
    assert not before & {pod["metadata"]["uid"] for pod in pods_of(tried)}
    assert tried.tarmac("drift", "--env", "kind").returncode == 0
    tried.until(lambda: judged(tried) == "pass")


def test_a_good_version_is_promoted_step_by_step(tried):
    cluster_trials.choose(tried, SERVICE, "good")
    code, printed, answers = deployed(tried)
    assert code == 0, printed
    steps = [line.split("tried: ")[1] for line in printed.splitlines() if "tried: " in line]
    weights = [step.partition(", ")[2].split()[0] for step in steps]
    assert sorted(set(weights)) == ["25", "50"], printed
    assert images_of(tried) == {"good"}
    assert set(answers) == {"200"}, answers


@pytest.fixture
def put_right(tried: DeployedSystem) -> Iterator[DeployedSystem]:
    """Deploy the system's file as it was before the test, also after a test that failed."""
    before = tried.file.read_text()
    yield tried
    tried.file.write_text(before)
    tried.deploy()
    tried.until(lambda: set(asked(tried)) == {"200"})


@pytest.mark.parametrize("version", ["failing", "slow"])
def test_a_version_with_a_defect_is_taken_back_and_the_one_before_serves(put_right, version):
    tried = put_right
    served = images_of(tried)
    cluster_trials.choose(tried, SERVICE, version)
    code, printed, _ = deployed(tried)
    assert code == 1, printed
    assert "its new version was taken back" in printed
    assert 'Metric "good" assessed Failed' in rollout(tried)["status"]["message"]
    tried.until(lambda: images_of(tried) == served, within_s=300)
    # What is asked for is not what runs: the verbs say so until it is put right.
    assert not told(tried)["ready"]
