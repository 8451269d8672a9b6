"""Runs a command to its end below the guard: however the supervisor ends, the command does too.

For what a start needs (an empty database) and for probes. It is never restarted, and whatever it
leaves behind ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from tarmac.run.local.host.privileges import Drop
from tarmac.run.local.process.spawn import RunningProcess, Spawner

#: How long to wait for the last lines once it has ended.
DRAIN_S = 0.5
#: What fits into a pipe at once on every system, so that writing never waits for a reader.
STDIN_BYTES = 16384
_NUMBERS = itertools.count(1)


async def run(
    spawner: Spawner,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes = b"",
    drop: Drop | None = None,
) -> tuple[int, bytes]:
    """Run a command; return its exit status (negative: a signal) and all that it printed.

    Raises:
        OSError: it could not be executed, or the guard was killed.
        ValueError: more standard input than STDIN_BYTES.
    """
    if len(stdin) > STDIN_BYTES:
        raise ValueError(f"{len(stdin)} bytes of standard input; at most {STDIN_BYTES}")
    given, write_in = os.pipe()
    os.write(write_in, stdin)
    os.close(write_in)
    read_out, output = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_out, "rb", buffering=0)
    )
    try:
        try:
            # A unique name: what it leaves behind belongs to no living node.
            name = f"command {next(_NUMBERS)}"
            starting = asyncio.ensure_future(
                spawner.spawn(name, argv, env=env, cwd=cwd, output=output, drop=drop, channel=given)
            )
            try:
                running = await asyncio.shield(starting)
            except asyncio.CancelledError:  # its pid must be known to be killed
                with contextlib.suppress(OSError):
                    await _kill(await starting)
                raise
        finally:
            os.close(output)
            os.close(given)
        printed = asyncio.create_task(reader.read())
        try:
            status = await asyncio.shield(running.exited)
            await asyncio.wait([printed], timeout=DRAIN_S)
        finally:
            if not running.exited.done():
                await _kill(running)
            if not printed.done():
                printed.cancel()
        return status, printed.result() if printed.done() and not printed.cancelled() else b""
    finally:
        transport.close()


async def _kill(running: RunningProcess) -> None:
    with contextlib.suppress(OSError):  # the guard is gone, and it with the guard
        await running.signal(signal.SIGKILL, True)
