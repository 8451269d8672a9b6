"""trading on three nodes: five services and three databases, and a trade through all of them.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from deployed import DeployedSystem, load
from journeys import journeys_of
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

journeys = journeys_of("trading")
#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
SERVICES = {"web-ui", "api-gateway", "portfolio-service", "market-service", "user-service"}


def test_every_workload_is_ready_and_no_container_was_restarted(trading: DeployedSystem):
    shown = json.loads(trading.there("ps", "--json").stdout)
    assert shown["healthy"]
    deployed = {one["metadata"]["name"]: one for one in trading.read("deployments")["items"]}
    assert deployed.keys() >= SERVICES
    for name in SERVICES:
        status = deployed[name]["status"]
        assert status["readyReplicas"] == status["replicas"] >= 1, name
    for pod in trading.pods():
        restarts = [one["restartCount"] for one in pod["status"]["containerStatuses"]]
        assert restarts == [0] * len(restarts), pod["metadata"]["name"]


def test_a_second_deployment_changes_nothing_and_nothing_has_drifted(trading: DeployedSystem):
    assert "0 added, 0 changed" in trading.deploy("--plan").stdout
    drifted = json.loads(trading.tarmac("drift", "--env", "kind", "--json").stdout)
    assert [drifted[what] for what in ("missing", "changed", "extra")] == [[], [], []]


async def test_a_trade_is_paid_for_and_the_position_moves_by_the_names_of_services(trading):
    async with aiohttp.ClientSession() as session:
        tess = journeys.Trader(session, trading.url("api-gateway"))
        while (await tess.sign_up()).status == 504:  # a hash took too long on a busy machine
            pass
        assert (await tess.deposit(1_000_000)).status == 201
        assert len(await tess.instruments()) >= 10
        bought = await tess.buy("TARM", 10)
        assert (bought.status, bought.data["status"]) == (201, "filled")
        position = (await tess.positions())["TARM"]
        assert (position["quantity"], position["cost_minor"]) == (
            10,
            10 * bought.data["price_minor"],
        )
        assert (await tess.account())["cash_minor"] == 1_000_000 - position["cost_minor"]
    asked = await asyncio.to_thread(trading.there, "invariants", "--within", "30", "--json")
    verdicts = json.loads(asked.stdout)
    assert len(verdicts) >= 9
    assert all(one["holds"] for one in verdicts), verdicts


async def test_a_rolling_update_under_load_fails_no_request(trading):
    async with load(f"{trading.url('market-service')}/market/instruments") as seen:
        await until(lambda: seen.answers.total() >= 20)
        before = {pod["metadata"]["uid"] for pod in trading.pods("market-service")}
        await asyncio.to_thread(trading.there, "restart", "market-service")
        await until(
            lambda: not before & {pod["metadata"]["uid"] for pod in trading.pods("market-service")},
            LONG_S,
        )
        enough = seen.answers.total() + 20
        await until(lambda: seen.answers.total() >= enough)
    assert not seen.failed, dict(seen.answers)
