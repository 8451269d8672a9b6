"""Karpenter makes nodes of the rendered pool for pods that wait, spot first, and takes them away.

Karpenter 1.8, the API server, scheduler and controllers are real. Its kwok provider stands for AWS
and KWOKNodeClass for EC2NodeClass: nodes are objects with the sizes and prices of AWS's types.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import karpenter
import pytest
from karpenter import CAPACITY, POOL, TYPE, ZONE
from kube_trees import namespace, tree
from rendered import artifacts_of

from tarmac.base.written import amount

pytestmark = [pytest.mark.timeout(900)]

REGION = "us-east-1"
#: The rendered one is 720 h.
SHORT_LIFE = "45s"
WITHIN_S = 240
#: Karpenter waits 30 s after the last pod, and then judges a node in its next round.
EMPTY_S = 30


@dataclass(frozen=True)
class Pooled:
    """A system whose environment has a pool, and a service of it."""

    system: str
    environment: str
    service: str
    region: str
    role: str
    types: frozenset[str]


SHOP = Pooled(
    "shop", "production", "api-gateway", REGION, "general",
    frozenset(f"{kind}.{size}" for kind in ("m5", "m5a", "m6i") for size in ("large", "xlarge")),
)  # fmt: skip
TRAVEL = Pooled(
    "travel", "prod", "orders", "eu-west-1", "default",
    frozenset(("m5.large", "m5a.large", "m5.xlarge")),
)  # fmt: skip


def pool(system: Pooled = SHOP):
    made = artifacts_of(system.system, system.environment)
    [found] = (a.data for a in made if a.data.get("kind") == "NodePool")
    return found


async def until(what: Callable[[], Awaitable[bool]], log, within_s: float = WITHIN_S) -> float:
    """Wait until something holds; return the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if await what():
            return time.monotonic() - began
        await asyncio.sleep(1)
    raise AssertionError(log.read_text()[-4000:])


def deployment(name: str, replicas: int, cpu: str) -> dict:
    """Write pods that select the pool's nodes, as those of the shop do."""
    labels = {"app": name}
    container = {
        "name": "it", "image": "example.com/it:1",
        "resources": {"requests": {"cpu": cpu, "memory": "256Mi"}},
    }  # fmt: skip
    pod = {"nodeSelector": {"role": "general"}, "containers": [container]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }  # fmt: skip


@pytest.fixture
async def pooled(kube, folder, request):
    """Put Karpenter's kinds and a pool into the cluster, the shop's; take pods away after."""
    for definition in karpenter.definitions(folder):
        assert not (said := await kube.apply(definition)).refused, said.refused
    made, machine = karpenter.with_kwok(pool(getattr(request, "param", SHOP)))
    await kinds_of(kube, made, machine)
    for manifest in (machine, made):
        assert not (said := await kube.apply(manifest)).refused, said.refused
    yield made
    for name in ("many", "few", "short", "ecommerce-prod", "travel-prod"):
        await kube.ask("DELETE", f"/api/v1/namespaces/{name}")


async def kinds_of(kube, *manifests):
    for one in manifests:
        async with asyncio.timeout(30):
            while not await kube.knows(one["apiVersion"], one["kind"]):  # noqa: ASYNC110 - as in define
                await asyncio.sleep(0.1)


async def emptied(kube, name: str) -> None:
    """Delete a namespace's Deployments, and so its pods."""
    await kube.ask("DELETE", f"/apis/apps/v1/namespaces/{name}/deployments")


async def settle(kube, log, name: str, replicas: int) -> None:
    """Wait until all pods have a node."""

    async def all_placed() -> bool:
        return await karpenter.placed(kube, name) == (replicas, 0)

    await until(all_placed, log)


async def gone(kube, log) -> float:
    async def none() -> bool:
        return not await karpenter.nodes(kube)

    return await until(none, log)


async def apply(kube, *manifests) -> None:
    for one in manifests:
        assert not (said := await kube.apply(one)).refused, said.refused


@pytest.mark.parametrize(
    ("pooled", "system"),
    [pytest.param(one, one, id=one.system) for one in (SHOP, TRAVEL)],
    indirect=["pooled"],
)
async def test_pods_get_spot_nodes_of_the_pool_in_three_zones_that_go_when_empty(
    kube, plane, folder, pooled, system: Pooled, tmp_path
):
    log = tmp_path / "karpenter.log"
    [web] = (
        one
        for one in tree(system.system, system.environment)
        if one["kind"] == "Deployment" and one["metadata"]["name"] == system.service
    )
    account = web["spec"]["template"]["spec"]["serviceAccountName"]
    space = web["metadata"]["namespace"]
    wanted = copy.deepcopy(dict(web))
    wanted["spec"]["replicas"] = 3  # its autoscaler's least
    accounts = {"apiVersion": "v1", "kind": "ServiceAccount"}
    types = karpenter.instance_types(folder, system.region)
    with karpenter.running(folder, plane, types, log):
        async with karpenter.played(kube):
            await gone(kube, log)  # of a test before this one
            await apply(
                kube,
                namespace(space),
                {**accounts, "metadata": {"name": account, "namespace": space}},
                wanted,
            )
            await settle(kube, log, space, 3)
            found = await karpenter.nodes(kube)
            assert {one[POOL] for one in found} == {"default"}
            assert {one["role"] for one in found} == {system.role}
            assert {one[CAPACITY] for one in found} == {"spot"}
            assert {one[TYPE] for one in found} <= system.types
            assert {one[ZONE] for one in found} == {f"{system.region}{zone}" for zone in "abc"}
            await emptied(kube, space)
            took = await gone(kube, log)
            assert took >= EMPTY_S


async def test_beyond_the_pools_limits_pods_wait(kube, plane, folder, pooled, tmp_path):
    log = tmp_path / "karpenter.log"
    types = karpenter.instance_types(folder, REGION)
    with karpenter.running(folder, plane, types, log):
        async with karpenter.played(kube):
            await gone(kube, log)  # of a test before this one
            await apply(kube, namespace("many", {}), deployment("many", 60, "3"))

            async def all_that_may_be() -> bool:
                [now] = await kube.items("karpenter.sh/v1", "NodePool")
                had = now.get("status", {}).get("resources", {})
                _, waiting = await karpenter.placed(kube, "many")
                return amount(had.get("cpu", "0")) > 96 and waiting > 0

            await until(all_that_may_be, log)
            await asyncio.sleep(20)  # two more of its rounds
            having, waiting = await karpenter.placed(kube, "many")
            [now] = await kube.items("karpenter.sh/v1", "NodePool")
            assert amount(now["status"]["resources"]["cpu"]) <= 100
            # The kwok provider counts as a node's size what its pods request: 33 x 3 cores.
            assert (having, waiting) == (33, 27)
            assert len(await karpenter.nodes(kube)) == 33

            # All empty nodes may go at once: of 33 a tenth would take half an hour.
            hasty = copy.deepcopy(pooled)
            hasty["spec"]["disruption"]["budgets"] = [{"nodes": "100%"}]
            await apply(kube, hasty)
            await emptied(kube, "many")
            await gone(kube, log)
            await apply(kube, pooled)


async def test_pods_of_little_used_nodes_are_moved_onto_fewer(
    kube, plane, folder, pooled, tmp_path
):
    log = tmp_path / "karpenter.log"
    types = karpenter.instance_types(folder, REGION)
    with karpenter.running(folder, plane, types, log):
        async with karpenter.played(kube):
            await gone(kube, log)  # of a test before this one
            await apply(kube, namespace("few", {}), deployment("few", 3, "3"))
            await settle(kube, log, "few", 3)
            assert len(await karpenter.nodes(kube)) == 3
            await apply(kube, deployment("few", 3, "200m"))

            async def on_one_node() -> bool:
                settled = await karpenter.placed(kube, "few") == (3, 0)
                return settled and len(await karpenter.nodes(kube)) == 1

            await until(on_one_node, log, 400)
            await emptied(kube, "few")
            await gone(kube, log)


async def test_without_spot_nodes_of_aws_pods_get_nodes_on_demand_and_old_ones_are_replaced(
    kube, plane, folder, pooled, tmp_path
):
    log = tmp_path / "karpenter.log"
    types = karpenter.instance_types(folder, REGION, taken=["spot"])
    short = copy.deepcopy(pooled)
    short["spec"]["template"]["spec"]["expireAfter"] = SHORT_LIFE
    with karpenter.running(folder, plane, types, log):
        async with karpenter.played(kube):
            await gone(kube, log)  # of a test before this one
            await apply(kube, short, namespace("short", {}), deployment("short", 2, "1"))
            await settle(kube, log, "short", 2)
            first = await kube.items("v1", "Node")
            kinds = Counter(one["metadata"]["labels"][CAPACITY] for one in first)
            assert set(kinds) == {"on-demand"}
            old = {one["metadata"]["name"] for one in first}

            async def replaced() -> bool:
                now = {one["metadata"]["name"] for one in await kube.items("v1", "Node")}
                return bool(now) and not now & old

            await until(replaced, log)
            await emptied(kube, "short")
            await apply(kube, pooled)
            await gone(kube, log)
