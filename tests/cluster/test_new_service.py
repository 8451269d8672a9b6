"""A new service of the shop, from the command that the portal's form calls to a pod that is well.

On stand-ins for the public images (`standins.STAND_IN`), also for those of its Dockerfile.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import kit_images
import kube_images
import pytest
import standins
import store_images
from cluster import Cluster
from deployed import TARMAC, DeployedSystem

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

NEW, LIMIT_S = "reviews", 300.0
DRILL = f"""\
drill: 1
title: A pod of the new service is killed while visitors browse
load: {{journey: browse, rate: 2}}
hypothesis: {{success: 95, objectives: []}}
probes:
  - {{service: api-gateway, path: /health, every: 1s, timeout: 5s}}
method:
  - {{fault: kill, on: {NEW}}}
baseline: 3s
recovery: 60s
"""


@dataclass(frozen=True)
class Grown:
    """A shop with one more service."""

    system: DeployedSystem
    #: From the command to the pod.
    took_s: float


@pytest.fixture(scope="module", params=["shop"])
def grown(nodes: Cluster, docker, pulled, lacking, request, tmp_path_factory) -> Iterator[Grown]:
    """Deploy the shop, then give it the service."""
    store_images.require(pulled[request.param], lacking)
    system = DeployedSystem.lay_out(
        nodes, request.param, tmp_path_factory.mktemp("grown"), namespace="shop-grown"
    )
    system.edit("    secrets: script\n", "    secrets: script\n    namespace: shop-grown\n")
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    system.own_services()
    began = time.monotonic()
    command = [TARMAC, "new", "service", NEW, "--store", "postgres", "--json"]
    subprocess.run(command, cwd=system.file.parent, env=system.env(), check=True)
    image = _build(system, docker)
    kube_images.deliver(nodes.nodes, docker, [image], tmp_path_factory.mktemp("image"))
    system.deploy()
    system.until(lambda: system.ready(NEW) >= 1)
    yield Grown(system, time.monotonic() - began)
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


def _build(system: DeployedSystem, docker) -> str:
    """Build its image as its pipeline does; gives the name that its pods ask for."""
    code = system.folder / "services" / NEW
    lock = [kit_images.uv(), "lock", "--quiet"]
    subprocess.run(lock, cwd=code, env={**system.env(), "VIRTUAL_ENV": ""}, check=True)
    bases = re.findall(r"^FROM (\S+)", (code / "Dockerfile").read_text(), re.MULTILINE)
    for base, made in zip(bases, (standins.BUILDER, standins.RUNTIME), strict=True):
        docker.run("tag", made, base)
    (one,) = (one for one in system.rendered("Deployment") if one["metadata"]["name"] == NEW)
    image: str = one["spec"]["template"]["spec"]["containers"][0]["image"]
    docker.run("build", "--network", "host", "--tag", image, str(code))
    return image


def test_its_pod_is_well_within_five_minutes(grown: Grown):
    print(f"from the command to a pod that is ready: {grown.took_s:.0f} s")
    assert grown.took_s < LIMIT_S
    (pod,) = grown.system.pods(NEW)
    assert [one["restartCount"] for one in pod["status"]["containerStatuses"]] == [0]
    assert grown.system.there("ps").returncode == 0


def test_a_drill_kills_a_pod_of_it_and_passes(grown: Grown):
    system = grown.system
    gone = {pod["metadata"]["uid"] for pod in system.pods(NEW)}
    (system.file.parent / "drills/new-service.yaml").write_text(DRILL)
    urls = (f"--url={name}={system.url(name)}" for name in ("api-gateway", NEW))
    done = system.there("drill", "new-service", "--json", *urls, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    journal = json.loads(done.stdout)
    assert (journal["verdict"], journal["target"]) == ("PASS", "cluster")
    assert not {pod["metadata"]["uid"] for pod in system.pods(NEW)} & gone
    system.until(lambda: system.ready(NEW) >= 1)
