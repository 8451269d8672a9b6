"""The tasks of the page about agents, with the calls that are told there, on a copy of hello-dd."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from system_copies import copy_of
from system_up import brought_up, page_of

pytestmark = pytest.mark.e2e

WRITTEN, SHORT = "- pricing-service: {timeout: 1s}", "- pricing-service: {timeout: 5ms}"
WITHIN_S = 30.0


@asynccontextmanager
async def agent(file: Path, namespace: str) -> AsyncIterator[Client]:
    """Give a client that has started `tarmac mcp`, as an agent does."""
    arguments = ["-m", "tarmac", "mcp", str(file), "-n", namespace]
    command = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    async with Client(command) as client:
        yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    said = await client.call_tool(tool, arguments)
    assert not said.is_error, said.content
    return said.structured_content


async def visit(page: str) -> int:
    """Ask for offers, and return the status."""

    def ask() -> int:
        try:
            with urllib.request.urlopen(f"{page}/offers?limit=3", timeout=20) as found:
                return found.status
        except urllib.error.HTTPError as error:
            return error.code

    return await asyncio.to_thread(ask)


async def failed_call(client: Client, page: str) -> dict[str, Any]:
    """Visit until a trace shows a call that ended by its deadline, and return that span."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            await visit(page)
            for trace in (await answer(client, "traces", failed=True, most=50))["traces"]:
                spans = (await answer(client, "trace", trace_id=trace["trace_id"]))["spans"]
                for span in spans:
                    if span["attributes"].get("error.type") == "DeadlineExceeded":
                        return span


async def test_an_agent_finds_where_a_timeout_is_too_short(tmp_path):
    file = copy_of("hello-dd", tmp_path)
    before = file.read_text()
    assert WRITTEN in before
    file.write_text(before.replace(WRITTEN, SHORT))
    line = before[: before.index(WRITTEN)].count("\n") + 1
    with brought_up(str(file.parent), "--inspect", "--telemetry", "--fast-stores") as (_, status):
        async with agent(file, status["namespace"]) as client:
            page = page_of(status, "api-gateway")
            states = {node["state"] for node in (await answer(client, "status"))["nodes"]}
            assert states == {"healthy"}
            span = await failed_call(client, page)
            assert (span["service"], span["name"]) == ("api-gateway", "GET pricing")
            explained = await answer(client, "explain", name="api-gateway")
            [call] = [c for c in explained["calls"] if c["target"] == "pricing-service"]
            assert call["timeout_s"] == 0.005
            assert f"tarmac.yaml:{line}:" in call["place"]


async def test_an_agent_scales_the_gateway_and_no_visit_fails(tmp_path):
    file = copy_of("hello-dd", tmp_path)
    with brought_up(str(file.parent), "--inspect", "--telemetry", "--fast-stores") as (_, status):
        page = page_of(status, "api-gateway")
        async with agent(file, status["namespace"]) as client:
            scaling = asyncio.create_task(
                answer(client, "scale", service="api-gateway", instances=3)
            )
            codes = [await visit(page)]
            while not scaling.done() or len(codes) < 20:
                codes.append(await visit(page))
            scaled = await scaling
            assert (len(scaled["started"]), scaled["restarted"]) == (2, [])
            assert Counter(codes).keys() == {200}
            found = await answer(client, "edges")
            [entrance] = [
                edge
                for edge in found["edges"]
                if (edge["source"], edge["target"]) == ("world", "api-gateway")
            ]
            assert set(entrance["requests"]) == {"GET 200"}, json.dumps(entrance)
            assert 0 < entrance["p50_s"] <= entrance["p95_s"]
            assert "durations" not in entrance
