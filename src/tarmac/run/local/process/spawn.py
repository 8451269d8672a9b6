"""Starts processes through the guard, which reports their ends; the only way to spawn.

It never restarts anything and never kills by name: it knows pids that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.run.local.host import guard
from tarmac.run.local.process.channel import Channel


@dataclass(frozen=True)
class RunningProcess:
    """A started process; `exited` gets its exit status, negative if a signal ended it."""

    pid: int
    exited: asyncio.Future[int]
    #: Sends it a signal; the flag is for its whole session. Nothing happens if it has ended.
    signal: Callable[[int, bool], Awaitable[None]]


class Spawner:
    """One guard process and the channel to it.

    Args:
        home: the namespace's folder; every process below carries it as a mark.
    """

    def __init__(self, home: str = "") -> None:
        self._home = home
        #: Called when the guard itself was killed; its children are dead by then.
        self.on_guard_lost: Callable[[], None] = lambda: None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[RunningProcess]] = {}
        self._running: dict[int, RunningProcess] = {}
        self._closing = False
        self._channel: Channel | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def guard_pid(self) -> int | None:
        """The guard's pid, for the state file and for tests."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the guard."""
        self._closing = False
        ours, theirs = socket.socketpair()
        # -I -S: no site-packages, no user's environment: 9 MiB and 20 ms instead of 25 and 60.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(guard.__file__)),
            str(theirs.fileno()),
            env={**os.environ, guard.HOME_VARIABLE: self._home},
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._channel = Channel(ours)
        self._reader = asyncio.create_task(self._read(self._channel))

    async def spawn_with_channel(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path
    ) -> tuple[RunningProcess, Channel]:
        """Start a program of the runtime's own; its standard input is a channel to us.

        Args:
            log: the file that it writes its complaints to, without passing through us.

        Raises:
            OSError: it could not be executed, or the guard is gone.
        """
        ours, theirs = socket.socketpair()
        try:
            running = await self.spawn_logged(name, argv, env=env, log=log, channel=theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return running, Channel(ours)

    async def spawn_logged(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path, channel: int
    ) -> RunningProcess:
        """Start a program of the runtime's own, whose output is added to a file.

        Args:
            log: the file that it writes its complaints to, without passing through us.
            channel: a descriptor that becomes its standard input.

        Raises:
            OSError: it could not be executed, or the guard is gone.
        """
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return await self.spawn(
                name, argv, env=env, cwd=Path("/"), output=output, channel=channel
            )
        finally:
            os.close(output)

    async def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        output: int,
        drop: str | None = None,
        channel: int | None = None,
        hosts: Path | None = None,
    ) -> RunningProcess:
        """Start a program whose standard output and error go to the descriptor `output`.

        Args:
            hosts: the file that it sees as its /etc/hosts.
            channel: a descriptor that becomes its standard input.

        Raises:
            OSError: it could not be executed, or the guard is gone.
        """
        number = next(self._ids)
        request = {
            "id": number,
            "op": "spawn",
            "name": name,
            "argv": list(argv),
            "env": {**env, **self.marks(name)},
            "cwd": str(cwd),
            "drop": drop,
            "input": channel is not None,
            "hosts": str(hosts) if hosts is not None else None,
        }
        descriptors = [output] if channel is None else [output, channel]
        answer: asyncio.Future[RunningProcess] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send(request, descriptors)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def marks(self, name: str) -> dict[str, str]:
        """Return the variables that mark a process, and what it starts, as of a node."""
        return {guard.NODE_VARIABLE: name, guard.HOME_VARIABLE: self._home}

    async def close(self) -> None:
        """Close the lifeline and wait until the guard has ended everything and itself."""
        self._closing = True
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._reader is not None:
            self._reader.cancel()
        if self._process is not None:
            await self._process.wait()

    async def sweep(self) -> None:
        """Make the guard kill orphans of ended processes that it does not know as theirs."""
        with contextlib.suppress(OSError):
            await self._send({"op": "sweep"})

    async def _send(self, request: dict[str, Any], fds: Sequence[int] = ()) -> None:
        if self._channel is None:
            raise OSError("the guard is gone")
        await self._channel.send(request, fds)

    async def _read(self, channel: Channel) -> None:
        async for message in channel.messages():
            self._dispatch(message)
        if not self._closing:
            await self._lost()

    def _dispatch(self, message: dict[str, Any]) -> None:
        if "exit" in message:
            self._ended(message["exit"], message["status"])
            return
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if "pid" in message:
            # Registered here, not by the waiting caller: the exit may be in the same batch.
            pid = message["pid"]

            async def send(number: int, group: bool) -> None:
                if self._process is not None:  # stopped (SIGSTOP), it would pass nothing on
                    with contextlib.suppress(ProcessLookupError):
                        self._process.send_signal(signal.SIGCONT)
                await self._send({"op": "signal", "pid": pid, "signal": number, "group": group})

            running = RunningProcess(pid, asyncio.get_running_loop().create_future(), send)
            self._running[running.pid] = running
            answer.set_result(running)
        else:
            answer.set_exception(OSError(message["error"]))

    def _ended(self, pid: int, status: int) -> None:
        running = self._running.pop(pid, None)
        if running is not None and not running.exited.done():
            running.exited.set_result(status)

    async def _lost(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(OSError("the guard was killed"))
        if self._process is not None:
            await self._process.wait()
        guard.kill_descendants(os.getpid())
        for pid in list(self._running):
            self._ended(pid, -signal.SIGKILL)
        self.on_guard_lost()
