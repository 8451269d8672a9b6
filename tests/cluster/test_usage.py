"""What metrics-server measures of pods, and what the rendered autoscalers make of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from cluster_entry import Entry
from deployed import DeployedSystem
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
GATEWAY = "api-gateway"
#: A pod of it that idles takes a twentieth of what it asks for, and under load all of it.
SCALED = "    replicas: {min: 1, max: 2, cpu: 70}\n"
AT_ONCE = 8
QUIET = "/spec/behavior/scaleDown/stabilizationWindowSeconds"


@contextlib.asynccontextmanager
async def busy(entry: Entry) -> AsyncIterator[None]:
    """Ask for offers without a pause, as long as the block runs."""
    ended = asyncio.Event()

    async def ask() -> None:
        while not ended.is_set():
            async with session.get(entry.url("api.hello-dd.localhost", "/offers")) as answer:
                await answer.read()

    async with entry.asking() as session:
        asking = [asyncio.create_task(ask()) for _ in range(AT_ONCE)]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*asking)


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
    async with busy(entries["hello-dd"]):
        await is_so(lambda: replicas() == 2 and measured.ready(GATEWAY) == 2)
        done = await asyncio.to_thread(measured.deploy)
        assert replicas() == 2
    # What else is scaled meanwhile may change between two of its looks.
    assert f"Deployment {GATEWAY}" not in done.stdout
    # After five quiet minutes as rendered; the test does not wait for these.
    patch = f'[{{"op": "replace", "path": "{QUIET}", "value": 0}}]'
    measured.k("patch", "horizontalpodautoscaler", GATEWAY, "--type=json", f"--patch={patch}")
    await is_so(lambda: replicas() == 1)
