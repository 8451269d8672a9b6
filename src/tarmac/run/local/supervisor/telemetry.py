"""The supervisor's side of the telemetry process: keeps its listening socket, starts it, ends it.

The process runs `tarmac.run.telemetry` and `tarmac.run.dashboard`. Services send to the socket;
while the process starts again, their connections wait in the socket's queue. Nothing waits for the
process: a system runs as well without it. It starts once there are metrics to read, or with the
first connection: a service that sends, a browser that shows.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime

from tarmac.plan import scrape
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.process.spawn import RunningProcess, Spawner
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

NAME = "telemetry"
BACKLOG = 128
#: Until the system is up, its start has the cores; but no longer than this.
START_S = 5.0
#: Before a process that ended is started again.
PAUSE_S = 1.0
#: What it received last is written in this time at the end.
CLOSE_S = 5.0


class TelemetryProcess:
    """One namespace's telemetry process, while it is wanted."""

    def __init__(
        self,
        spawner: Spawner,
        home: Home,
        reservations: Reservations,
        wait_all_ready: Callable[[float], Awaitable[None]],
    ) -> None:
        """Take what returns once all is ready, or so many seconds are over."""
        self._wait_all_ready = wait_all_ready
        self._spawner = spawner
        self._home = home
        self._reservations = reservations
        #: Named by its start, in this machine's time as people look for it.
        self._run = datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S")
        self._port: int | None = None
        self._listener: socket.socket | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._running: RunningProcess | None = None
        self._observed: list[ScrapeTarget] | None = None
        #: Set once the process has something to do.
        self._needed = asyncio.Event()
        #: Held while one is started: `close` could not end a process that it does not know yet.
        self._starting = asyncio.Lock()

    async def apply(self, port: int | None) -> None:
        """Receive at this port, and nowhere where it is None."""
        if port == self._port:
            return
        await self.close()
        if port is None:
            return
        self._port = port
        if not self._home.dashboard_token.exists():
            write_atomically(self._home.dashboard_token, secrets.token_urlsafe(24))
        self._listener = self._reservations.hand_over(port)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.listen(BACKLOG)
        self._keeper = asyncio.create_task(self._keep(self._listener))

    @property
    def is_wanted(self) -> bool:
        """Whether there is one, or is to be."""
        return self._port is not None

    def link(self, host: str) -> str:
        """Return the address of the dashboard with its token; empty without one."""
        if self._port is None:
            return ""
        token = self._home.dashboard_token.read_text(encoding="utf-8").strip()
        return f"http://{host}:{self._port}/?token={token}"

    def observe(self, found: list[ScrapeTarget]) -> None:
        """Scrape these instances; the process must be wanted."""
        if found == self._observed:
            return
        write_atomically(self._home.scrape_targets, scrape.as_text(found))
        self._observed = found
        if found:
            self._needed.set()

    async def close(self) -> None:
        """End the process once it has written what it received."""
        if self._keeper is not None:
            async with self._starting:
                self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._running is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if not self._running.exited.done():
                    await self._running.signal(number, False)
                    await asyncio.wait([self._running.exited], timeout=CLOSE_S)
        if self._listener is not None:
            self._listener.close()
            self._home.scrape_targets.unlink(missing_ok=True)
        self._port = self._listener = self._keeper = self._running = self._observed = None
        self._needed.clear()

    async def _wait_until_needed(self, listener: socket.socket) -> None:
        """Return once there are metrics to read, or a connection waits in the socket's queue."""
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, self._needed.set)
        try:
            await self._needed.wait()
        finally:
            loop.remove_reader(listener)

    async def _keep(self, listener: socket.socket) -> None:
        """Start the process again whenever it ends."""
        log = self._home.logs / f"{NAME}.log"
        program = [sys.executable, "-I", "-m", "tarmac.run.dashboard"]
        command = [*program, str(self._home.root), self._run]
        await self._wait_all_ready(START_S)
        await self._wait_until_needed(listener)
        while True:
            try:
                async with self._starting:
                    self._running = await self._spawner.spawn_logged(
                        NAME, command, env={}, log=log, channel=listener.fileno()
                    )
                # Shielded: `close` cancels this task, and waits for the same future next.
                await asyncio.shield(self._running.exited)
            except OSError as error:
                print(f"telemetry: {error}", flush=True)
            await asyncio.sleep(PAUSE_S)
