"""The supervisor's control socket: one JSON line asks, one answers.

{"verb": "apply", "options": {...}}   {"verb": "restart", "names": [...]}   {"verb": "down"}
{"verb": "edges"}: what went over each wire
{"verb": "explain", "name": "..."}: what something of the system is, as it runs
{"verb": "token", "caller": "...", "callee": "..."}: a caller token
{"verb": "snapshot"}, {"verb": "restore"}: of what the stores hold
{"verb": "disturb"}: begins a drill's own requests, see disturbances.py
{"verb": "attach"}: the system lives as long as this connection does
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tarmac.errors import TarmacError
from tarmac.local.state.files import write_atomically
from tarmac.local.state.options import Options
from tarmac.local.state.paths import Home
from tarmac.local.supervisor import service_environment, store_requests
from tarmac.local.supervisor.build_id import build_id
from tarmac.local.supervisor.drill_requests import drill_requests
from tarmac.local.supervisor.responses import ShuttingDown, failure_line, success_line
from tarmac.local.supervisor.store_snapshots import StoreSnapshots
from tarmac.local.supervisor.supervisor import Supervisor
from tarmac.plan.explain import explain

#: How often to look whether the socket is still there.
CHECK_S = 1.0
#: A client sends its request at once; so many may be connected, the attached ones among them.
REQUEST_S = 5.0
MOST_CONNECTIONS = 64
#: What each request must say, besides what its own module looks after.
FIELDS: dict[str, frozenset[str]] = {
    "apply": frozenset({"options", "build_id"}),
    "restart": frozenset({"names"}),
    "reset": frozenset({"names"}),
    "seed": frozenset({"names", "again"}),
    "connect": frozenset({"name", "user"}),
    "explain": frozenset({"name"}),
    "export": frozenset({"name", "other_ports"}),
}


class Control:
    """Listens on the namespace's socket."""

    def __init__(self, supervisor: Supervisor, home: Home) -> None:
        self._supervisor = supervisor
        self._build_id = build_id()
        self._home = home
        self._server: asyncio.Server | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.Task[Any]] = set()
        self._snapshots = StoreSnapshots(supervisor)

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

    def begin_shut_down(self, by: str) -> asyncio.Task[None]:
        """Shut down once, however often it is requested; `by` is the first one's reason."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._supervisor.shut_down(by))
        return self._ending

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
            request = json.loads(line)
            if complaint := _complaint(request):
                writer.write(failure_line(TarmacError(complaint)))
                return
            if request["verb"] == "attach":
                with contextlib.suppress(OSError):
                    await reader.read()  # returns when the other side is gone, however it went
                self.begin_shut_down("the end of the `tarmac up` that started it")
                return
            if request["verb"] == "disturb":
                await drill_requests(self._supervisor).serve(reader, writer)
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
                f"{self._home.root}: what runs here was started by another version of Tarmac; "
                "run `tarmac down`, then `tarmac up`"
            )

    def _explained(self, name: str) -> dict[str, Any]:
        if self._supervisor.now is None:
            raise TarmacError("the system is still starting; try again")
        return explain(self._supervisor.now.system, self._supervisor.now.plan, name)

    async def _answer(self, request: dict[str, Any]) -> bytes:
        try:
            if request["verb"] == "apply":
                self._refuse_another(request["build_id"])
                applied = await self._supervisor.apply(Options.of(request["options"]))
                return success_line(**asdict(applied))
            if request["verb"] == "restart":
                failed = await self._supervisor.restart(request["names"])
                return success_line(failed=dict(failed))
            if request["verb"] == "rewrite-state":
                self._supervisor.state.rewrite()
                return success_line()
            if request["verb"] == "edges":
                return success_line(**await self._supervisor.edges())
            if request["verb"] == "explain":
                return success_line(explained=self._explained(request["name"]))
            if request["verb"] == "token":
                token = self._supervisor.caller_token(request["caller"], request["callee"])
                return success_line(token=token)
            if request["verb"] in store_requests.VERBS:
                return success_line(**await store_requests.answer(self._supervisor, request))
            if request["verb"] in service_environment.VERBS:
                return success_line(**await service_environment.answer(self._supervisor, request))
            if request["verb"] in StoreSnapshots.VERBS:
                return success_line(**await self._snapshots.answer(request))
            if request["verb"] == "down":
                await self.begin_shut_down("`tarmac down`")
                return success_line()
        except (TarmacError, OSError) as error:
            return failure_line(ShuttingDown(str(error)) if self._ending is not None else error)
        except Exception as error:  # noqa: BLE001 - reported to the client and logged
            traceback.print_exc()
            what = f"the supervisor failed ({type(error).__name__}: {error})"
            return failure_line(TarmacError(f"{what}; its log is {self._home.supervisor_log}"))
        return failure_line(TarmacError(f"unknown verb '{request['verb']}'"))


def _complaint(request: Any) -> str:
    """Say what is wrong with the form of a request; empty if nothing is."""
    if not isinstance(request, dict) or not isinstance(request.get("verb"), str):
        return 'request: not an object with a verb; send {"verb": "..."}'
    lacking = sorted(FIELDS.get(request["verb"], frozenset()) - request.keys())
    if lacking:
        return f"request '{request['verb']}': {', '.join(lacking)} is missing; add it"
    return ""
