"""What metrics-server measures of pods, and what the rendered autoscalers make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import cluster_usage
import pytest
from deployed import DeployedSystem
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
GATEWAY = "api-gateway"
#: A pod of it that idles takes a twentieth of what it asks for, and under load all of it.
SCALED = "    replicas: {min: 1, max: 2, cpu: 70}\n"


async def is_so(true: Callable[[], bool]) -> None:
    """Wait until something is so in the cluster."""
    await until(lambda: asyncio.to_thread(true), LONG_S)


@pytest.fixture(scope="module")
def measured(entries, metered) -> DeployedSystem:
    """Give hello-dd where something measures it."""
    return entries["hello-dd"].system


async def test_each_pod_is_measured(measured):
    pods = {
        pod["metadata"]["name"] for pod in measured.pods() if pod["status"]["phase"] == "Running"
    }
    await is_so(lambda: pods <= set(measured.k("top", "pods", "--no-headers", check=False).split()))


async def test_an_autoscaler_adds_pods_under_load_and_takes_them_after_and_deploy_keeps_them(
    measured, entries
):
    def replicas() -> int:
        return int(measured.read("deployment", GATEWAY)["spec"]["replicas"])

    measured.edit("  kind:\n", f"  kind:\n{SCALED}")
    measured.deploy()
    assert replicas() == 1
    entry = entries["hello-dd"]
    url = entry.url("api.hello-dd.localhost", "/offers")
    async with entry.asking() as session, cluster_usage.busy(session, url):
        await is_so(lambda: replicas() == 2 and measured.ready(GATEWAY) == 2)
        done = await asyncio.to_thread(measured.deploy)
        assert replicas() == 2
    # What else is scaled meanwhile may change between two of its looks.
    assert f"Deployment {GATEWAY}" not in done.stdout
    cluster_usage.take_at_once(measured, GATEWAY)
    await is_so(lambda: replicas() == 1)
