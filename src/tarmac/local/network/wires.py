"""The wires: one process with a TCP listener for each edge, which counts and balances.

Started by `wiring.py` as `python -I wires.py`; descriptor 0 is a socket pair to the supervisor,
which binds and keeps the listening sockets: when this process is killed, new connections wait in
their queues for the next one. Of Tarmac it imports what reads or disturbs what it carries, and only
once that is asked for.

It balances per connection, over the instances that are ready, the one with the fewest open
connections first; if none is ready it takes any that lives, so that a store which all of them miss
does not make a whole service unreachable. It never retries anything but a connection that was
refused, and reads no more of what it carries than the heads of HTTP/1 messages (inspector.py), if
it is asked to. A drill may have it disturb an edge (endpoint_faults.py).

JSON lines, a listener's descriptor with the first byte of its request:
    {"op": "wire", "id": "orders->db:main", "targets": [["db", 20001, true]]}   + 1 descriptor
    {"op": "targets", "id": "orders->db:main", "targets": [...]}       name, port, is it ready
    {"op": "unwire", "id": "orders->db:main"}                        its connections are closed
    {"op": "inspect", "on": true}                          requests of new connections are counted
    {"op": "disturb", "id": "orders->db:main", "rule": {"delay_s": 0.2}}       see disturbance.py
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
from functools import partial
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tarmac.local.network.disturbance import Disturbance, Flow
    from tarmac.local.network.http_faults import HttpFault
    from tarmac.local.network.inspector import Connection, Requests

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
    ends: set[Endpoint] = field(default_factory=set)
    connections: int = 0
    errors: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    first_at: float | None = None
    last_at: float | None = None
    #: Set while requests are counted.
    requests: Requests | None = None
    #: Set while a fault disturbs it; what the last one did stays until the next.
    disturbance: Disturbance | None = None
    effect: dict[str, float] = field(default_factory=dict)

    def disturb(self, disturbance: Disturbance | None) -> None:
        """Disturb what it carries from now on; None: no more."""
        previous, self.disturbance = self.disturbance, disturbance
        if previous is not None:
            self.effect = previous.effect.counts()
            previous.over.set()
        for end in list(self.ends):
            end.disturb(disturbance)

    def counts(self) -> dict[str, Any]:
        """Say what went over it so far."""
        if self.disturbance is not None:
            self.effect = self.disturbance.effect.counts()
        return {
            "connections": self.connections,
            "open": sum(end.target is not None for end in self.ends),
            "errors": self.errors,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "first_at": self.first_at,
            "last_at": self.last_at,
            **({"effect": self.effect} if self.effect else {}),
            **(self.requests.counts() if self.requests is not None else {}),
        }

    def choices(self) -> Iterator[Target]:
        """Yield the targets in the order in which they are to be tried."""
        # The sort is stable and the list turns by one each time: equals take turns.
        if self.targets:
            self.targets.append(self.targets.pop(0))
        yield from sorted(self.targets, key=lambda target: (not target.ready, target.open))


class Endpoint(asyncio.Protocol):
    """One of the two ends of a connection; what it gets goes to the other.

    Args:
        user: the end of the client; None: this is it.
        target: where this end connects to.
    """

    def __init__(
        self, wire: Wire, user: Endpoint | None = None, target: Target | None = None
    ) -> None:
        self.wire = wire
        self.other = user
        self.target = target
        self.transport: asyncio.Transport | None = None
        #: What came before there was a connection to pass it on.
        self.early: list[bytes] = []
        self.ended = False
        #: Reads both directions; the user's end makes it.
        self.inspected: Connection | None = None
        #: What came while the wire was disturbed.
        self.flow: Flow | None = None
        #: What a fault does to the requests of both directions; the user's end makes it.
        self.http: HttpFault | None = None
        #: A fault resets the connection once it is used.
        self.doomed = False
        #: Why nothing is read now.
        self.pauses: set[str] = set()

    @property
    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""
        return self.transport is None or self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a user waits for an instance, an instance's end joins its user."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self.wire.ends.add(self)
        if self.wire.disturbance is not None:
            self.disturb(self.wire.disturbance, opened=True)
        if self.target is None:
            if self.is_closing:  # a fault does not let it be
                return
            if self.wire.requests is not None:
                self.inspected = self.wire.requests.connection()
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
        self.inspected, self.http = user.inspected, user.http
        if user.early:
            user.pause("early", on=False)  # first: what follows may make it wait again
            self.transport.writelines(user.early)
            user.early.clear()
        if user.ended:
            self.transport.write_eof()

    def data_received(self, data: bytes) -> None:
        """Pass it on and count it."""
        wire = self.wire
        if self.target is None:
            wire.bytes_sent += len(data)
            if self.inspected is not None:
                self.inspected.sent(data)
        else:
            wire.bytes_received += len(data)
            if self.inspected is not None:
                self.inspected.received(data)
        wire.last_at = time.time()
        if self.doomed:
            self.reset()
        elif self.flow is None:
            self.forward(data)
        elif self.http is None:
            self.flow.take(len(data), lambda: self.forward(data))
        else:
            taken = self.http.sent(data) if self.target is None else self.http.received(data)
            for piece, rate in taken:
                self.flow.take(len(piece), partial(self.forward, piece), rate)

    def forward(self, data: bytes) -> None:
        """Pass it on, or keep it until there is a connection to pass it on."""
        if self.other is None or self.other.transport is None:
            self.early.append(data)
            self.pause("early", on=True)
        else:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end of one direction on; the other may go on for long."""
        if not self.flow:
            return self.end()

        def end_later() -> None:
            if not self.end() and self.transport is not None:
                self.transport.close()

        self.flow.take(0, end_later)
        return True

    def end(self) -> bool:
        """End one direction; False where that was the last one."""
        self.ended = True
        if self.other is None or self.other.transport is None:
            return True  # the client may have sent all, and wait for the answer
        if self.other.ended:
            return False  # both directions are done: what is still to be written is, then it closes
        with contextlib.suppress(OSError, RuntimeError):  # it is closing
            self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """Pause the writer: this reader is slow."""
        if self.other is not None:
            self.other.pause("slow", on=True)

    def resume_writing(self) -> None:
        """Let it go on."""
        if self.other is not None:
            self.other.pause("slow", on=False)

    def pause(self, reason: str, *, on: bool) -> None:
        """Read nothing while there is any reason not to."""
        paused = bool(self.pauses)
        (self.pauses.add if on else self.pauses.discard)(reason)
        if self.transport is None or self.is_closing or paused == bool(self.pauses):
            return
        if self.pauses:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def disturb(self, disturbance: Disturbance | None, *, opened: bool = False) -> None:
        """Let a fault have its way with what comes from now on; None: no more."""
        from tarmac.local.network import endpoint_faults  # noqa: PLC0415 - in a drill only

        endpoint_faults.disturb(self, disturbance, opened=opened)

    def reset(self) -> None:
        """Reset both sides, as a fault wants it."""
        if self.wire.disturbance is not None:
            self.wire.disturbance.effect.reset += 1
        other = self.other
        self.cut()
        if other is not None:
            other.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other side as this one ended: cut off, or after what is still on its way."""
        self.wire.ends.discard(self)
        self.transport = None
        if self.target is not None:
            self.target.open -= 1
        if self.inspected is not None:
            self.inspected.closed()
        other = self.other
        if self.flow and exc is None and other is not None:
            self.flow.take(0, self.leave)  # after what is still on its way
            return
        self.other = None
        if other is not None and other.transport is not None:
            if exc is not None:
                other.cut()
            else:
                other.transport.close()  # after what is still to be written

    def leave(self) -> None:
        """End the other side, once it has all that came from here."""
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            other.transport.close()

    def cut(self) -> None:
        """End it at once, with a reset: nothing more is delivered."""
        if self.flow is not None:
            self.flow.drop()
        if self.transport is not None:
            raw = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self.transport.abort()


_CONNECTING: set[asyncio.Task[None]] = set()


async def _connect(wire: Wire, user: Endpoint) -> None:
    """Find an instance for a new connection."""
    loop = asyncio.get_running_loop()
    wire.connections += 1
    wire.last_at = time.time()
    wire.first_at = wire.first_at or wire.last_at
    while (disturbance := wire.disturbance) is not None and disturbance.rule.refuses:
        disturbance.effect.stalled += 1
        await disturbance.over.wait()
        if user.transport is None:  # it gave up
            return
    for target in list(wire.choices()):
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.create_connection(
                    lambda target=target: Endpoint(wire, user, target),  # type: ignore[misc]
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
        self._inspects = False

    async def handle(self, request: dict[str, Any], listeners: list[int]) -> dict[str, Any] | None:
        """Carry out one request; return its answer, if it has one."""
        op = request["op"]
        if op == "count":
            counted = {name: wire.counts() for name, wire in self._wires.items()}
            return {"answer": request["ask"], "wires": counted}
        if op == "wire":
            wire = self._wires[request["id"]] = Wire(request["id"])
            wire.requests = _counter() if self._inspects else None
            _retarget(wire, request["targets"])  # first: some may wait in the queue already
            listener = socket.socket(fileno=listeners.pop(0))
            listener.setblocking(False)
            wire.server = await asyncio.get_running_loop().create_server(
                lambda: Endpoint(wire), sock=listener, backlog=BACKLOG, start_serving=False
            )
        elif op == "inspect":
            self._inspects = request["on"]
            for wire in self._wires.values():
                wire.requests = (wire.requests or _counter()) if self._inspects else None
        elif op == "disturb" and (disturbed := self._wires.get(request["id"])):
            disturbed.disturb(_disturbance(request["rule"]))
        elif op == "targets" and (known := self._wires.get(request["id"])):
            _retarget(known, request["targets"])
        elif op == "unwire" and (gone := self._wires.pop(request["id"], None)):
            if gone.server is not None:
                gone.server.close()
            for end in list(gone.ends):
                end.cut()
        return None

    async def listen(self) -> None:
        """Take connections on new wires, once no request waits that may say where they go."""
        for wire in self._wires.values():
            if wire.server is not None and not wire.server.is_serving():
                await wire.server.start_serving()


def _counter() -> Requests:
    from tarmac.local.network.inspector import Requests  # noqa: PLC0415 - only where it is asked

    return Requests()


def _disturbance(rule: dict[str, Any] | None) -> Disturbance | None:
    if rule is None:
        return None
    from tarmac.local.network.disturbance import Disturbance, Rule  # noqa: PLC0415 - in a drill only

    return Disturbance(Rule(**rule))


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
        try:
            data, fds = _receive(channel)
        except BlockingIOError:
            await wires.listen()
            await readable.wait()
            readable.clear()
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
