"""Starts kit services by forking preloaded interpreters; the other way to start one is `spawn`.

One fork server for each interpreter (`python -m tarmac_kit.forkserver`, whose module says the
protocol), a process below the guard like any other. It is the parent of what it forks and reports
their ends; when it is killed, they are, and the supervisor starts them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
import time
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tarmac.base.launch import ForkedStart
from tarmac.run.local.process.channel import Channel
from tarmac.run.local.process.spawn import RunningProcess, Spawner

NAME = "forkserver"
MODULE = "tarmac_kit.forkserver"
#: An interpreter whose fork server ended at once is not asked again for so long.
RETRY_AFTER_S = 30.0
#: One that has loaded all and does not answer within so long never will; a fork takes 5 ms.
FORK_S = 10.0
#: Loading takes a second, and fifteen where nothing is compiled yet.
PRELOAD_S = 90.0


class CannotFork(Exception):
    """This service must be started by itself; the text says why."""


@dataclass
class ForkServer:
    """One fork server and what it has forked."""

    python: str
    channel: Channel
    running: RunningProcess
    #: It was started for other sources than those of now: it ends with its last child.
    retired: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    children: dict[int, RunningProcess] = field(default_factory=dict)
    waiting: dict[int, asyncio.Future[RunningProcess]] = field(default_factory=dict)
    ended: bool = False


class ForkServers:
    """The fork servers of one system.

    Args:
        environ: the environment of their interpreters.
        log: the file that their own complaints go to.
    """

    def __init__(self, spawner: Spawner, log: Path, environ: Mapping[str, str]) -> None:
        self._spawner = spawner
        self._log = log
        self._environ = environ
        self._servers: dict[str, ForkServer] = {}
        self._starting = asyncio.Lock()
        self._failed_at: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        #: Why nothing is forked any more.
        self._given_up = ""

    @property
    def pids(self) -> list[int]:
        """The servers' pids, for the state file and for tests."""
        return [server.running.pid for server in self._servers.values()]

    def retire(self) -> None:
        """Use none of these servers again: what they have preloaded has been edited."""
        for server in self._servers.values():
            server.retired = True
            _end_if_idle(server)
        self._servers.clear()
        self._failed_at.clear()

    def warm(self, pythons: Iterable[str]) -> None:
        """Begin to start the servers of these interpreters in the background."""
        for python in pythons:
            self._in_background(self._warm(python))

    async def load(self, pythons: Iterable[str]) -> None:
        """Start the servers of these interpreters; return when they run, and load."""
        await asyncio.gather(*map(self._warm, pythons))

    async def _warm(self, python: str) -> None:
        with contextlib.suppress(CannotFork, OSError):  # reported when one is needed
            await self.server(python)

    async def server(self, python: str) -> ForkServer:
        """Find or start the server of an interpreter; it may still be loading.

        Raises:
            CannotFork: not on this system, or its kit has no fork server.
        """
        if not sys.platform.startswith("linux"):
            raise CannotFork("only Linux can fork a process that has used its libraries")
        async with self._starting:
            server = self._servers.get(python)
            if server is None or server.ended:
                if time.monotonic() - self._failed_at.get(python, -RETRY_AFTER_S) < RETRY_AFTER_S:
                    raise CannotFork(f"{python} could not run {MODULE}; see {self._log.name}")
                server = self._servers[python] = await self._start(python)
            return server

    async def spawn(
        self, name: str, forked: ForkedStart, *, env: Mapping[str, str], cwd: Path, output: int
    ) -> RunningProcess:
        """Fork a service whose standard output and error go to the descriptor `output`.

        Raises:
            CannotFork: start it by itself instead.
            OSError: the server was killed meanwhile; try again.
        """
        server = await self.server(forked.python)
        if self._given_up:
            raise OSError(self._given_up)
        number = next(self._numbers)
        answer: asyncio.Future[RunningProcess] = asyncio.get_running_loop().create_future()
        server.waiting[number] = answer
        request = {
            "id": number,
            "op": "fork",
            "packages": list(forked.packages),
            "env": {**env, **self._spawner.marks(name)},
            "cwd": str(cwd),
        }
        try:
            await server.channel.send(request, [output])
            await _loaded(server, answer)
            async with asyncio.timeout(FORK_S):
                return await answer
        except TimeoutError:
            await server.running.signal(signal.SIGKILL, False)
            raise OSError("the fork server did not answer; it was killed") from None
        finally:
            server.waiting.pop(number, None)
            _end_if_idle(server)

    def give_up(self, why: str) -> None:
        """Fail every fork that is pending or asked for later: the system is being stopped."""
        self._given_up = why
        for server in self._servers.values():
            for answer in server.waiting.values():
                if not answer.done():
                    answer.set_exception(OSError(why))

    async def close(self) -> None:
        """End the servers, and what they have forked."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._servers.values():
            server.channel.close()
        self._servers.clear()

    async def _start(self, python: str) -> ForkServer:
        running, channel = await self._spawner.spawn_with_channel(
            f"{NAME}-{next(self._numbers)}",  # a new one must not pass for the one it follows
            [python, "-P", "-m", MODULE],  # -P: nothing of where it starts is imported
            env=self._environ,
            log=self._log,
        )
        server = ForkServer(python, channel, running)
        self._in_background(self._read(server))
        return server

    async def _read(self, server: ForkServer) -> None:
        async for message in server.channel.messages():
            self._dispatch(server, message)
        server.ended = True
        server.channel.close()
        if not server.ready.is_set():
            self._failed_at[server.python] = time.monotonic()
        for answer in list(server.waiting.values()):
            if not answer.done():
                answer.set_exception(
                    OSError("the fork server was killed")
                    if server.ready.is_set()
                    else CannotFork(f"{server.python} cannot run {MODULE}; see {self._log.name}")
                )
        with contextlib.suppress(OSError):
            await server.running.signal(signal.SIGKILL, False)
        await server.running.exited  # the guard has killed its children by then
        for pid in list(server.children):
            _child_ended(server, pid, -signal.SIGKILL)

    def _dispatch(self, server: ForkServer, message: dict[str, Any]) -> None:
        if "ready" in message:
            server.ready.set()
        elif "exit" in message:
            _child_ended(server, message["exit"], message["status"])
            self._in_background(self._spawner.sweep())  # it may have left something behind
            _end_if_idle(server)
        elif (answer := server.waiting.get(message["id"])) and not answer.done():
            if "pid" in message:
                answer.set_result(_child(server, message["pid"]))
            else:
                answer.set_exception(CannotFork(message["error"]))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _loaded(server: ForkServer, answer: asyncio.Future[RunningProcess]) -> None:
    """Return when it has loaded all, or ended. Raises TimeoutError."""
    ready = asyncio.create_task(server.ready.wait())
    either: list[asyncio.Future[Any]] = [ready, answer]
    try:
        await asyncio.wait(either, timeout=PRELOAD_S, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done() and not answer.done():
            raise TimeoutError
    finally:
        ready.cancel()


def _child(server: ForkServer, pid: int) -> RunningProcess:
    async def send(number: int, group: bool) -> None:
        await server.running.signal(signal.SIGCONT, False)  # stopped, it would pass nothing on
        await server.channel.send({"op": "signal", "pid": pid, "signal": number, "group": group})

    running = RunningProcess(pid, asyncio.get_running_loop().create_future(), send)
    server.children[pid] = running
    return running


def _child_ended(server: ForkServer, pid: int, status: int) -> None:
    running = server.children.pop(pid, None)
    if running is not None and not running.exited.done():
        running.exited.set_result(status)


def _end_if_idle(server: ForkServer) -> None:
    if server.retired and not server.children and not server.waiting:
        server.channel.finish()
