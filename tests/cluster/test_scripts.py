"""hello-dd by the scripts that are rendered for Kind: one service after another, each run twice.

The repository is a fresh clone. The cluster of the tests stands for the one that Kind makes, and
stand-ins for the public images (`kind_stand_in`, `standins.STAND_IN`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import aiohttp
import kind_stand_in
import kube_images
import pytest
import store_images
from cluster import Cluster
from deployed import DeployedSystem
from docker_here import Docker
from journeys import journeys_of
from rendered import ROOT, plan_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]

SPACE = "hello-dd-by-scripts"
SCANNER = "0de110dd-0000-4000-8000-000000000002"
#: The scripts in their order, and the service that each deploys.
SERVICES = {
    "deploy-inventory": "inventory-service",
    "deploy-pricing": "pricing-service",
    "deploy-gateway": "api-gateway",
}
journeys = journeys_of("hello-dd")


@pytest.fixture(scope="module")
def clone(nodes: Cluster, docker: Docker, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Clone the repository, and render hello-dd in it; the nodes have the images of its stores.

    Its namespace is deleted after its tests: it has the hosts of the other hello-dd.
    """
    folder = tmp_path_factory.mktemp("clone")
    stores = {store.image for store in plan_of("hello-dd", "kind").stores}
    store_images.require(stores, store_images.make(docker, stores, folder))
    kube_images.deliver(nodes.nodes, docker, stores, folder)
    repository = folder / "repository"
    subprocess.run(["git", "clone", "--quiet", ROOT, repository], check=True)
    system = DeployedSystem(nodes, "hello-dd", "kind", repository, SPACE)
    # A namespace that no other test of this session has.
    system.edit("    secrets: script\n", f"    secrets: script\n    namespace: {SPACE}\n")
    system.tarmac("render", "--env", "kind")
    yield system
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture(scope="module")
def user(clone: DeployedSystem, docker: Docker, tmp_path_factory) -> dict[str, str]:
    """Give the variables of a user who has kubectl, Docker and what answers for Kind."""
    folder = tmp_path_factory.mktemp("user")
    return kind_stand_in.lay_out(folder, "hello-dd", clone.cluster, docker)


def run(clone: DeployedSystem, user: dict[str, str], script: str) -> list[str]:
    """Run a script of the tree; gives the lines that it prints."""
    tree = clone.file.parent / "deploy/kind"
    done = subprocess.run(
        [tree / f"scripts/{script}.sh"],
        env=user,
        cwd="/",
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}{clone.told()}"
    return done.stdout.splitlines()


def running(clone: DeployedSystem) -> dict[str, set[str]]:
    """List the pods that run of each service that is there."""
    names = [one["metadata"]["name"] for one in clone.read("deployments")["items"]]
    return {name: {pod["metadata"]["uid"] for pod in clone.pods(name)} for name in names}


async def test_each_service_is_deployed_alone_and_answers_also_the_second_time(clone, user):
    for _ in range(2):
        assert run(clone, user, "setup")[-1].startswith("==> hello-dd: the cluster is ready")
        assert running(clone) == {}
    for number, (script, service) in enumerate(SERVICES.items(), 1):
        before = running(clone)
        for _ in range(2):
            *_, health, last = run(clone, user, script)
            assert last == f"==> {service} answers on /health/ready"
            assert '"ok"' in health
        now = running(clone)
        assert set(now) == set(list(SERVICES.values())[:number])
        # What was there goes on as it was.
        assert {name: now[name] for name in before} == before
    again = running(clone)
    run(clone, user, "deploy-inventory")
    assert running(clone) == again
    clone.sow()
    async with aiohttp.ClientSession() as session:
        ann = journeys.Buyer(session, clone.url("api-gateway"))
        assert (await ann.offer(SCANNER))["degraded"] == []
        bought = await ann.buy(SCANNER)
        assert bought.status in (201, 202), bought.data
        assert (await ann.ended(bought.data["id"]))["state"] == "confirmed"


def test_a_changed_service_takes_the_place_of_its_pods_and_no_other(clone, user):
    before = running(clone)
    changed = clone.folder / "services/pricing/tarmac_pricing/__init__.py"
    changed.write_text(f"{changed.read_text()}\nCHANGED = True\n")
    run(clone, user, "deploy-pricing")

    def replaced() -> bool:
        now = running(clone)
        return not now["pricing-service"] & before["pricing-service"]

    clone.until(replaced)
    now = running(clone)
    for service in ("inventory-service", "api-gateway"):
        assert now[service] == before[service]


def test_a_script_without_a_cluster_says_what_comes_first(clone, user, tmp_path):
    kind = tmp_path / "kind"
    kind.write_text("#!/bin/sh\nexit 0\n")
    kind.chmod(0o755)
    script = clone.file.parent / "deploy/kind/scripts/deploy-inventory.sh"
    done = subprocess.run(
        [script],
        env={**user, "PATH": f"{tmp_path}:{user['PATH']}"},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "cluster hello-dd: not there; run scripts/setup.sh first\n"
