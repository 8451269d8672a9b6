"""`tarmac mcp` with the client of the protocol's own SDK."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager

from mcp import Client, StdioServerParameters
from sandbox import PORT, SYSTEM, Sandbox, web

READING = {"status", "edges", "usage", "logs", "traces", "trace", "objectives", "explain"}


@asynccontextmanager
async def agent(box: Sandbox):
    """Give a client that has started `tarmac mcp` for the system of a folder."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "tarmac", "mcp"], cwd=box.folder, env=dict(os.environ)
    )
    async with Client(command) as client:
        yield client


async def test_an_agent_sees_what_runs_and_restarts_and_scales_it(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    sandbox.get("front")
    async with agent(sandbox) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools if tool.annotations.read_only_hint} == READING
        assert {tool.name for tool in tools} - READING == {"restart", "scale"}
        assert all(tool.description for tool in tools)

        status = (await client.call_tool("status", {})).structured_content
        assert [node["state"] for node in status["nodes"]] == ["healthy", "healthy"]
        logs = (await client.call_tool("logs", {"names": ["front"], "last": 5})).structured_content
        assert {line["name"] for line in logs["lines"]} == {"front"}
        explained = (await client.call_tool("explain", {"name": "front"})).structured_content
        assert [call["target"] for call in explained["calls"]] == ["back"]
        usage = (await client.call_tool("usage", {})).structured_content
        assert [one["name"] for one in usage["activities"]] == ["front", "back"]

        pid = sandbox.node("back")["pid"]
        restarted = (await client.call_tool("restart", {"names": ["back"]})).structured_content
        assert {node["name"]: node["state"] for node in restarted["nodes"]}["back"] == "healthy"
        assert sandbox.node("back")["pid"] != pid
        scaled = await client.call_tool("scale", {"service": "back", "instances": 2})
        assert not scaled.is_error, scaled.content
        sandbox.until("back.2", lambda node: node["state"] == "healthy")


async def test_what_an_agent_asks_wrongly_is_said_in_words(sandbox: Sandbox):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web('front', PORT)}\n")
    async with agent(sandbox) as client:
        nothing = await client.call_tool("restart", {"names": []})
        assert nothing.is_error
        assert "the system is not running" in nothing.content[0].text
        unknown = await client.call_tool("explain", {"name": "frond"})
        assert unknown.is_error
        assert "did you mean 'front'" in unknown.content[0].text
        traces = await client.call_tool("traces", {})
        assert "it begins a few seconds after `tarmac up " in traces.content[0].text
