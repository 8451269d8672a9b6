"""The wires: one process with a TCP listener for each edge, which counts and balances.

Started by `wiring.py` as `python -I wires.py`; descriptor 0 is a socket pair to the supervisor,
which binds and keeps the listening sockets: when this process is killed, who connects waits in
their queues for the next one. It needs uvloop and the standard library, and nothing of Tarmac.

It balances per connection, over the instances that are ready, the one with the fewest open
connections first; if none is ready it takes any that lives, so that a store which all of them miss
does not make a whole service unreachable. It never looks into what it carries and never retries
anything but a connection that was refused.

JSON lines, a listener's descriptor with the first byte of its request:
    {"op": "wire", "id": "orders->db:main", "targets": [["db", 20001, true]]}   + 1 descriptor
    {"op": "targets", "id": "orders->db:main", "targets": [...]}       name, port, is it ready
    {"op": "unwire", "id": "orders->db:main"}                        its connections are closed
    {"op": "count", "ask": 7}        ->   {"answer": 7, "wires": {"orders->db:main": {...}}}
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import resource
import signal
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

HOST = "127.0.0.1"
#: Connections that the kernel keeps while none can be taken: a restart of this process, a burst.
BACKLOG = 4096
CONNECT_S = 5.0
#: Two for each connection.
DESCRIPTORS = 65536
#: Bytes that may wait for a slow reader before its writer is made to wait.
HIGH_WATER_BYTES = 256 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass
class Target:
    """One instance that a wire may connect to."""

    name: str
    port: int
    ready: bool
    open: int = 0


@dataclass
class Wire:
    """One edge: its targets, its open connections and what went over it."""

    id: str
    targets: list[Target] = field(default_factory=list)
    server: asyncio.Server | None = None
    ends: set[End] = field(default_factory=set)
    connections: int = 0
    errors: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def counts(self) -> dict[str, Any]:
        """Say what went over it so far."""
        return {
            "connections": self.connections,
            "open": sum(end.target is not None for end in self.ends),
            "errors": self.errors,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "first_at": self.first_at,
            "last_at": self.last_at,
        }

    def choices(self) -> Iterator[Target]:
        """Yield the targets in the order in which they are to be tried."""
        # The sort is stable and the list turns by one each time: equals take turns.
        if self.targets:
            self.targets.append(self.targets.pop(0))
        yield from sorted(self.targets, key=lambda target: (not target.ready, target.open))


class End(asyncio.Protocol):
    """One of the two ends of a connection; what it gets goes to the other.

    Args:
        user: the end of the one who connected; None: this is it.
        target: where this end connects to.
    """

    def __init__(self, wire: Wire, user: End | None = None, target: Target | None = None) -> None:
        self.wire = wire
        self.other = user
        self.target = target
        self.transport: asyncio.Transport | None = None
        #: What came before there was anybody to pass it on to.
        self.early: list[bytes] = []
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a user waits for an instance, an instance's end joins its user."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self.wire.ends.add(self)
        if self.target is None:
            task = asyncio.get_running_loop().create_task(_connect(self.wire, self))
            _CONNECTING.add(task)
            task.add_done_callback(_CONNECTING.discard)
            return
        self.target.open += 1
        user = self.other
        if user is None or user.transport is None:  # gone while we were connecting
            self.cut()
            return
        user.other = self
        if user.early:
            user.transport.resume_reading()  # first: what follows may make it wait again
            self.transport.writelines(user.early)
            user.early.clear()
        if user.ended:
            self.transport.write_eof()

    def data_received(self, data: bytes) -> None:
        """Pass it on and count it."""
        wire = self.wire
        if self.target is None:
            wire.bytes_sent += len(data)
        else:
            wire.bytes_received += len(data)
        wire.last_at = time.time()
        if self.other is None or self.other.transport is None:
            self.early.append(data)
            if self.transport is not None:
                self.transport.pause_reading()
        else:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end of one direction on; the other may go on for long."""
        self.ended = True
        if self.other is None or self.other.transport is None:
            return True  # who connected may have said all, and wait for an answer
        if self.other.ended:
            return False  # both directions are done: what is still to be written is, then it closes
        with contextlib.suppress(OSError, RuntimeError):  # it is closing
            self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """Make the one who writes here wait: this reader is slow."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let it go on."""
        other = self.other
        if other is not None and other.transport is not None and not other.transport.is_closing():
            other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other side as this one ended: cut off, or after what is still on its way."""
        self.wire.ends.discard(self)
        self.transport = None
        if self.target is not None:
            self.target.open -= 1
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            if exc is not None:
                other.cut()
            else:
                other.transport.close()  # after what is still to be written

    def cut(self) -> None:
        """End it at once, with a reset: nothing more is delivered."""
        if self.transport is not None:
            raw = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self.transport.abort()


_CONNECTING: set[asyncio.Task[None]] = set()


async def _connect(wire: Wire, user: End) -> None:
    """Find an instance for a new connection."""
    loop = asyncio.get_running_loop()
    wire.connections += 1
    wire.last_at = time.time()
    wire.first_at = wire.first_at or wire.last_at
    for target in list(wire.choices()):
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.create_connection(
                    lambda target=target: End(wire, user, target),  # type: ignore[misc]
                    HOST,
                    target.port,
                )
        except (OSError, TimeoutError):
            continue
        return
    wire.errors += 1
    user.cut()


class Wires:
    """All wires of a system, changed by requests."""

    def __init__(self) -> None:
        self._wires: dict[str, Wire] = {}

    async def handle(self, request: dict[str, Any], listeners: list[int]) -> dict[str, Any] | None:
        """Carry out one request; return its answer, if it has one."""
        op = request["op"]
        if op == "count":
            counted = {name: wire.counts() for name, wire in self._wires.items()}
            return {"answer": request["ask"], "wires": counted}
        if op == "wire":
            wire = self._wires[request["id"]] = Wire(request["id"])
            _retarget(wire, request["targets"])  # first: some may wait in the queue already
            listener = socket.socket(fileno=listeners.pop(0))
            listener.setblocking(False)
            wire.server = await asyncio.get_running_loop().create_server(
                lambda: End(wire), sock=listener, backlog=BACKLOG
            )
        elif op == "targets" and (known := self._wires.get(request["id"])):
            _retarget(known, request["targets"])
        elif op == "unwire" and (gone := self._wires.pop(request["id"], None)):
            if gone.server is not None:
                gone.server.close()
            for end in list(gone.ends):
                end.cut()
        return None


def _retarget(wire: Wire, targets: list[tuple[str, int, bool]]) -> None:
    """Take the instances as they are now; open connections to others live on."""
    known = {(target.name, target.port): target for target in wire.targets}
    wire.targets = []
    for name, port, ready in targets:
        target = known.get((name, port)) or Target(name, port, ready)
        target.ready = ready
        wire.targets.append(target)


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, ancillary, _, _ = channel.recvmsg(65536, socket.CMSG_LEN(64 * fds.itemsize), flags)
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)


async def serve(channel: socket.socket) -> None:
    """Serve requests until the supervisor's end closes."""
    loop = asyncio.get_running_loop()
    wires = Wires()
    readable = asyncio.Event()
    loop.add_reader(channel, readable.set)
    buffer, listeners = b"", list[int]()
    while True:
        await readable.wait()
        readable.clear()
        try:
            data, fds = _receive(channel)
        except BlockingIOError:
            continue
        except OSError:
            return
        if not data:
            return
        listeners += fds
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            answer = await wires.handle(json.loads(line), listeners)
            if answer is not None:
                await loop.sock_sendall(channel, json.dumps(answer).encode() + b"\n")


def main() -> None:
    """Raise the limit of descriptors, then serve."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, DESCRIPTORS), hard):  # only root may go above what is given
        with contextlib.suppress(OSError, ValueError):  # macOS: less than "unlimited" at most
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            break
    channel = socket.socket(fileno=0)
    channel.setblocking(False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it lives as long as the supervisor's end
    import uvloop  # noqa: PLC0415 - a reader of this file's names need not have it

    uvloop.run(serve(channel))


if __name__ == "__main__":
    main()
