"""The tools of `tarmac mcp`: each runs a verb as a process and answers with its JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from tarmac.base.errors import TarmacError
from tarmac.run.local.network.durations import RequestSummary
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

#: Longer than any verb waits for the supervisor.
ANSWER_S = 240.0
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
INSTRUCTIONS = """\
A system of microservices that runs on this machine. Begin with `status`: it has the cause and the
last lines of a service that is not healthy. `explain` says where each value is declared.
Requests on edges need `tarmac up --inspect`."""

Names = Annotated[list[str], Field(description="services or stores; none means all services")]
Answer = dict[str, Any]


def tools(file: str, namespace: str) -> MCPServer:
    """Return the server with the tools of one system."""
    made: MCPServer = MCPServer("tarmac", instructions=INSTRUCTIONS, version=version("tarmac"))

    async def json_of(verb: str, *args: str) -> Answer:
        return _object(await _run(verb, file, *args, "-n", namespace, "--json"))

    async def status() -> Answer:
        """Show every process: state, restarts, address; the cause and last lines of a failure."""
        return await json_of("ps")

    async def edges() -> Answer:
        """Show the traffic of each declared edge, and connections that nothing declares."""
        found = await json_of("edges")
        for edge in found["edges"]:
            # Buckets are for programs that add them up.
            summary = RequestSummary.of(edge)
            edge.pop("durations", None)
            if summary:
                edge.update(p50_s=summary.p50_s, p95_s=summary.p95_s)
        return found

    async def usage() -> Answer:
        """Show CPU, memory, requests per second, failures and p95 of each service and store."""
        return await json_of("top")

    async def logs(
        names: Names = [],  # noqa: B006 - never changed
        last: Annotated[int, Field(ge=0, le=2000, description="lines of each process")] = 50,
        trace: Annotated[str, Field(description="only lines of this trace")] = "",
    ) -> Answer:
        """Show the latest log lines, merged by time."""
        options = ["--last", str(last), *(["--trace", trace] if trace else [])]
        text = await _run("logs", file, *names, *options, "-n", namespace, "--json")
        return {"lines": [_object(line) for line in text.splitlines()]}

    async def traces(
        service: Annotated[str, Field(description="only those that crossed it")] = "",
        failed: Annotated[bool, Field(description="only those with a failed span")] = False,
        most: Annotated[int, Field(ge=1, le=200)] = 20,
    ) -> Answer:
        """List the latest traces."""
        options = [*(["--service", service] if service else []), *(["--failed"] if failed else [])]
        return await json_of("trace", *options, "--most", str(most))

    async def trace(
        trace_id: Annotated[str, Field(description="the id, or its beginning")],
    ) -> Answer:
        """Show one trace: its spans in order, with their depth, times and attributes."""
        return await json_of("trace", trace_id)

    async def objectives() -> Answer:
        """Show each objective's share of good requests, error budget, burn rates and alerts."""
        return await json_of("objectives")

    async def explain(
        name: Annotated[str, Field(description="a service, store, topic, variable or port")] = "",
    ) -> Answer:
        """Explain what something is, where each of its values is declared, and what uses it."""
        return await json_of("explain", *([name] if name else []))

    async def restart(names: Names) -> Answer:
        """Restart services without a gap, or stores; return the states afterwards."""
        return await json_of("restart", *names)

    async def scale(
        service: str, instances: Annotated[int, Field(ge=1, le=client.MOST_INSTANCES)]
    ) -> Answer:
        """Run so many instances of a service from now on; the rest stays as it was started."""
        home = Home.of(Path(file), namespace)
        try:
            return asdict(await asyncio.to_thread(client.scale, home, service, instances))
        except TarmacError as error:
            raise ToolError(str(error)) from None

    for tool in (status, edges, usage, logs, traces, trace, objectives, explain):
        made.add_tool(tool, annotations=READS)
    made.add_tool(restart, annotations=CHANGES)
    made.add_tool(scale, annotations=CHANGES)
    return made


async def _run(*args: str) -> str:
    """Run a verb; return what it prints. A verb that found something wrong prints it, too."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tarmac", *args),
        stdin=asyncio.subprocess.DEVNULL,  # ours is the protocol's
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            said, complaint = await process.communicate()
    except BaseException:
        process.kill()
        raise
    if process.returncode and not said:
        raise ToolError(complaint.decode("utf-8", "replace").strip())
    return said.decode("utf-8", "replace")


def _object(text: str) -> Answer:
    found = json.loads(text)
    if "error" in found:
        raise ToolError(found["error"])
    return found if isinstance(found, dict) else {"found": found}
