"""One life of a service: a process forked from the test's, from its start to its end.

Used by the World, which begins the next one when a life ends at its step.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import warnings
from collections.abc import Callable
from typing import Any

from tarmac_kit_testing.crashing.host import ENDED
from tarmac_kit_testing.crashing.peer import Peer, Serve

#: Numbers of open files that a test's process may have.
MOST_FILES = 65_536


class ServiceProcess:
    """A process that serves, and the socket to it."""

    def __init__(self, host: Callable[[socket.socket], None], serve: Serve) -> None:
        ours, theirs = socket.socketpair()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads: none of theirs is needed in the new process.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            try:
                # A connection of the test's that stayed open here would never be seen to end.
                kept = theirs.fileno()
                os.closerange(3, kept)
                os.closerange(kept + 1, MOST_FILES)
                host(theirs)
            finally:
                os._exit(ENDED)
        theirs.close()
        self._socket = ours
        self.peer = Peer(serve)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def was_ready(self) -> bool:
        """Return whether it came to be ready."""
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    async def run(self) -> int:
        """Carry what it says until it ends; return its exit code, or -N for signal N."""
        await self.peer.run(self._socket)
        _, status = os.waitpid(self.pid, 0)  # noqa: ASYNC222 - its socket closed: it has ended
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the process ended before it was ready"))
            self.ready.exception()  # a waiter gets it; without one it is no error
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def failed(self, why: Any) -> None:
        """Note that it cannot start."""
        if not self.ready.done():
            self.ready.set_exception(RuntimeError(str(why)))
