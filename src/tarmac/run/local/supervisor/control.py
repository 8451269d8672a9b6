"""The supervisor's control socket: one JSON line asks, one answers; see `requests`.

Two requests take the connection over: `Attach`, whose end stops the system, and `Disturb`, by which
a drill begins (`drill_connection`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.plan.callers import DEVELOPER, takes_part
from tarmac.plan.explain import explain
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import (
    drill_connection,
    store_holds,
    store_requests,
    store_statistics,
)
from tarmac.run.local.supervisor import requests as ask
from tarmac.run.local.supervisor.build_id import build_id
from tarmac.run.local.supervisor.handlers import Handlers, failure
from tarmac.run.local.supervisor.requests import Request, ServiceEnvironment
from tarmac.run.local.supervisor.responses import ShuttingDown
from tarmac.run.local.supervisor.results import ApplyResult
from tarmac.run.local.supervisor.rotations import Rotations
from tarmac.run.local.supervisor.service_environment import export
from tarmac.run.local.supervisor.store_snapshots import StoreSnapshots
from tarmac.run.local.supervisor.supervisor import Supervisor

#: How often to look whether the socket is still there.
CHECK_S = 1.0
#: A client sends its request at once; so many may be connected, the attached ones among them.
REQUEST_S = 5.0
MOST_CONNECTIONS = 64


class Control:
    """Listens on the namespace's socket."""

    def __init__(self, supervisor: Supervisor, home: Home) -> None:
        self._supervisor = supervisor
        self._build_id = build_id()
        self._home = home
        self._server: asyncio.Server | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.Task[Any]] = set()
        self._handlers = self._handlers_of(supervisor)

    async def listen(self) -> None:
        """Begin to answer; the lock is ours, so a socket that is still there is stale."""
        # The temporary folder depends on the client's environment: write the path down.
        path = self._home.socket
        path.unlink(missing_ok=True)
        write_atomically(self._home.socket_file, str(path))
        self._server = await asyncio.start_unix_server(self._serve, path)
        path.chmod(0o600)
        self._keeper = asyncio.create_task(self._keep(path))

    async def _keep(self, path: Path) -> None:
        """Listen again after the temporary folder was cleaned: no client could stop us."""
        while True:
            await asyncio.sleep(CHECK_S)
            if not path.exists():
                with contextlib.suppress(TarmacError, OSError):  # no room: at the next look
                    await self.listen()
                    return

    async def close(self) -> None:
        """Stop to answer and remove the socket."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._server is not None:
            self._server.close()
        if self._answering:  # the client that asked for `down` gets its answer
            await asyncio.wait(self._answering, timeout=2)
        for writer in self._open:
            writer.close()
        self._home.socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._open.add(writer)
        try:
            async with asyncio.timeout(REQUEST_S):
                line = await reader.readline()
            if not line:
                return
            try:
                request = self._handlers.read(line)
            except TarmacError as error:
                writer.write(failure(error))
                return
            if isinstance(request, ask.Attach):
                with contextlib.suppress(OSError):
                    await reader.read()  # returns when the other side is gone, however it went
                self._supervisor.begin_shut_down("the end of the `tarmac up` that started it")
                return
            if isinstance(request, ask.Disturb):
                await drill_connection.serve(self._supervisor, reader, writer)
                return
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - it runs in one
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            writer.write(await self._answer(request))
            await writer.drain()
        except (OSError, ValueError):
            pass  # the client went away, or is not Tarmac
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    def _refuse_another(self, asking: str) -> None:
        """Refuse what a newer command may mean by words that this process does not know."""
        if asking != self._build_id:
            raise TarmacError(
                f"{self._home.root}: the running system was started by another version of Tarmac; "
                "run `tarmac down`, then `tarmac up`"
            )

    async def _answer(self, request: Request[Any]) -> bytes:
        try:
            return await self._handlers.answer(request)
        except (TarmacError, OSError) as error:
            return failure(ShuttingDown(str(error)) if self._supervisor.is_ending else error)
        except Exception as error:  # noqa: BLE001 - reported to the client and logged
            return failure(error, f"; its log is {self._home.supervisor_log}")

    def _handlers_of(self, supervisor: Supervisor) -> Handlers:
        """Register what answers each type of request."""
        handlers = Handlers()
        snapshots = StoreSnapshots(supervisor)
        handlers.on(ask.Apply, self._apply)
        handlers.on(ask.Down, self._down)
        handlers.on(ask.Attach, _taken_over)
        handlers.on(ask.Disturb, _taken_over)
        handlers.on(ask.Restart, lambda request: supervisor.restart(request.names))
        handlers.on(ask.Edges, lambda _: supervisor.edges())
        handlers.on(ask.RewriteState, self._rewrite_state)
        handlers.on(ask.Explain, self._explain)
        handlers.on(ask.Export, self._export)
        handlers.on(ask.Token, self._token)
        rotations = Rotations(supervisor)
        handlers.on(ask.FindSecret, rotations.find)
        handlers.on(ask.Rotate, rotations.rotate)
        handlers.on(ask.Connect, partial(store_requests.connect, supervisor))
        handlers.on(ask.Seed, partial(store_requests.seed, supervisor))
        handlers.on(ask.Reset, partial(store_requests.reset, supervisor))
        handlers.on(ask.WriteOut, partial(store_holds.write_out, supervisor))
        handlers.on(ask.Statistics, lambda _: store_statistics.ask(supervisor.required()))
        handlers.on(ask.Snapshot, snapshots.take)
        handlers.on(ask.Restore, snapshots.restore)
        return handlers

    async def _apply(self, request: ask.Apply) -> ApplyResult:
        self._refuse_another(request.build_id)
        return await self._supervisor.apply(Options.of(request.options))

    async def _down(self, _: ask.Down) -> None:
        await self._supervisor.begin_shut_down("`tarmac down`")

    async def _rewrite_state(self, _: ask.RewriteState) -> None:
        self._supervisor.state.rewrite()

    async def _explain(self, request: ask.Explain) -> Mapping[str, Any]:
        now = self._supervisor.required()
        return explain(now.system, now.plan, request.name)

    async def _export(self, request: ask.Export) -> ServiceEnvironment:
        now = self._supervisor.required()
        return export(now, request.name, other_ports=request.other_ports)

    async def _token(self, request: ask.Token) -> str:
        now = self._supervisor.required()
        services = now.system.file.services
        callers = {request.caller} - {DEVELOPER}
        for name in (request.callee, *callers):
            if name not in services:
                hint = did_you_mean(name, services)
                raise BadInput([Problem(name, f"no service of {now.plan.system}; {hint}")])
        if not takes_part(now.system, request.callee):
            what = "checks no caller tokens (`trust: network`)"
            raise BadInput([Problem(request.callee, what)])
        return self._supervisor.caller_tokens.issue(request.caller, request.callee)


async def _taken_over(_: Request[None]) -> None:
    """Answer nothing: the request has the connection to itself."""
