"""The rendered limits of Istio's gateway, in a real Envoy: 413, 429, and hosts of others unharmed.

Istio's control plane is not here: the test merges the patches as its documentation says, into the
listener, virtual hosts and routes that Istio makes for a gateway.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from free_ports import free_ports
from rendered import plan_of

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.plan.ingress_limits import IngressLimits
from tarmac.render.kubernetes import gateway_limits
from tarmac.render.kubernetes.parts.envoy_limits import CONNECTIONS, patches

TYPES = "type.googleapis.com/envoy.extensions.filters"
OURS, THEIRS = "www.example.com", "other.example.com"
LIMITS = IngressLimits(body_bytes=1000, per_second=1, burst=5)


def vhost(host: str) -> dict[str, Any]:
    answer = {"status": 200, "body": {"inline_string": host}}
    routes = [{"match": {"prefix": "/"}, "direct_response": answer}]
    return {"name": f"{host}:80", "domains": [host], "routes": routes}


def patched(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge the patches into what Istio makes for a gateway with two hosts."""
    router = f"{TYPES}.http.router.v3.Router"
    filters = [{"name": "envoy.filters.http.router", "typed_config": {"@type": router}}]
    hosts = {f"{host}:80": vhost(host) for host in (OURS, THEIRS)}
    for patch in found:
        value = patch["patch"]["value"]
        match patch["applyTo"], patch["patch"]["operation"]:
            case "HTTP_FILTER", "INSERT_BEFORE":
                filters.insert(-1, value)
            case "VIRTUAL_HOST", "MERGE":
                own = hosts[patch["match"]["routeConfiguration"]["vhost"]["name"]]
                own.setdefault("typed_per_filter_config", {}).update(
                    value["typed_per_filter_config"]
                )
            case "HTTP_ROUTE", "INSERT_FIRST":
                own = hosts[patch["match"]["routeConfiguration"]["vhost"]["name"]]
                own["routes"].insert(0, value)
            case other:
                raise AssertionError(other)
    return {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "use_remote_address": True,
        "route_config": {"virtual_hosts": list(hosts.values())},
        "http_filters": filters,
    }


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """Give the address of an Envoy with the limits of two systems, whose gateway is the same."""
    try:
        program = programs.find("envoy")
    except Skip as skip:
        pytest.skip(str(skip))
    (port,) = free_ports(1)
    ours = list(patches(LIMITS, "tarmac.ours-limits", [f"{OURS}:80"]))
    theirs = list(patches(IngressLimits(10_000, 1, 50), "tarmac.theirs-limits", [f"{THEIRS}:80"]))
    listener = {
        "name": "gateway",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": CONNECTIONS, "typed_config": patched([*ours, *theirs])}]}
        ],
    }
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    log = tmp_path / "log"
    argv = [program, "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
    with log.open("wb") as said, subprocess.Popen(argv, stdout=said, stderr=said) as process:
        while b"starting main dispatch loop" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def ask(gateway: str, host: str, body: bytes = b"", **headers: str) -> aiohttp.ClientResponse:
    async with (
        aiohttp.ClientSession() as session,
        session.post(gateway, data=body, headers={"Host": host, **headers}) as answer,
    ):
        await answer.read()
        return answer


async def test_a_longer_body_is_413_and_another_host_has_limits_of_its_own(gateway: str) -> None:
    assert (await ask(gateway, OURS, b"x" * 1000)).status == 200
    assert (await ask(gateway, OURS, b"x" * 1001)).status == 413
    assert (await ask(gateway, THEIRS, b"x" * 1001)).status == 200


async def test_an_address_has_its_burst_whatever_it_says_of_others(gateway: str) -> None:
    answers = [await ask(gateway, OURS) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    forged = [await ask(gateway, OURS, **{"X-Forwarded-For": f"9.9.9.{n}"}) for n in range(8)]
    refused = [answer for answer in forged if answer.status == 429]
    assert len(refused) >= 5, "one comes back each second"
    assert refused[0].headers["retry-after"] == "1"
    assert {(await ask(gateway, THEIRS)).status for _ in range(20)} == {200}


def test_every_host_and_port_of_a_public_service_is_patched() -> None:
    plan = plan_of("shop", "production")
    (made,) = gateway_limits.RENDERER.render(plan)
    found = made.data["spec"]["configPatches"]
    hosts = {route.host for service in plan.services for route in service.routes}
    for where in ("VIRTUAL_HOST", "HTTP_ROUTE"):
        names = {
            patch["match"]["routeConfiguration"]["vhost"]["name"]
            for patch in found
            if patch["applyTo"] == where
        }
        assert names == {f"{host}:{port}" for host in hosts for port in (80, 443)}


def test_a_limit_of_0_is_none() -> None:
    assert list(patches(IngressLimits(0, 0, 1), "limits", [f"{OURS}:80"])) == []
    (only,) = patches(IngressLimits(9, 0, 1), "limits", [f"{OURS}:80"])
    assert only["applyTo"] == "HTTP_ROUTE"
