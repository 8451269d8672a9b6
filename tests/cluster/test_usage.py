"""What metrics-server measures of pods, and what the rendered autoscalers make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import cluster_usage
import pytest
from deployed import DeployedSystem
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
VERY_LONG_S = 4 * LONG_S
GATEWAY = "api-gateway"
#: A pod of it that idles takes a twentieth of the processors that it asks for, and under load all.
#: Of memory it takes more than half, so that of two pods never one goes.
SCALED = "    replicas: {min: 2, max: 3, cpu: 70, memory: 80}\n"
#: What is asked of each system, at which host.
ASKED = {
    "hello-dd": ("api.hello-dd.localhost", "/offers"),
    "shop": ("api.shop.localhost", "/api/products"),
}


async def is_so(true: Callable[[], bool], within_s: float = LONG_S) -> None:
    """Wait until something is so in the cluster."""
    await until(lambda: asyncio.to_thread(true), within_s)


@pytest.fixture(scope="module")
def measured(entries, metered) -> DeployedSystem:
    """Give hello-dd where something measures it."""
    return entries["hello-dd"].system


async def test_each_pod_is_measured(measured):
    pods = {
        pod["metadata"]["name"] for pod in measured.pods() if pod["status"]["phase"] == "Running"
    }
    await is_so(lambda: pods <= set(measured.k("top", "pods", "--no-headers", check=False).split()))


def read_by(system: DeployedSystem) -> dict[str, int]:
    """Return what the gateway's autoscaler reads of its pods, in percent of what they ask for."""
    status = system.read("horizontalpodautoscaler", GATEWAY)["status"]
    return {
        one["resource"]["name"]: one["resource"]["current"]["averageUtilization"]
        for one in status.get("currentMetrics") or ()
        if "averageUtilization" in one.get("resource", {}).get("current", {})
    }


@pytest.mark.parametrize("name", ASKED)
async def test_an_autoscaler_adds_pods_under_load_and_takes_them_after_and_deploy_keeps_them(
    metered, entries, name
):
    system: DeployedSystem = entries[name].system

    def replicas() -> int:
        return int(system.read("deployment", GATEWAY)["spec"]["replicas"])

    with system.configured(SCALED):
        system.deploy()
        await is_so(lambda: replicas() == system.ready(GATEWAY) == 2)
        await is_so(lambda: read_by(system).keys() == {"cpu", "memory"})
        entry = entries[name]
        async with entry.asking() as session, cluster_usage.busy(session, entry.url(*ASKED[name])):
            # A pod that gets little of a busy machine is long below what it asks for.
            await is_so(lambda: replicas() == 3 and system.ready(GATEWAY) == 3, VERY_LONG_S)
            done = await asyncio.to_thread(system.deploy)
            assert replicas() == 3
        # What else is scaled meanwhile may change between two of its looks.
        assert f"Deployment {GATEWAY}" not in done.stdout
        cluster_usage.take_at_once(system, GATEWAY)
        await is_so(lambda: replicas() == 2)
    system.deploy("--prune", "--yes")
