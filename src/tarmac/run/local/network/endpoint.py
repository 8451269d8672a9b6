"""The two ends of a connection that goes over a wire: what one end gets goes to the other.

Part of the wires' process; imports of Tarmac what it needs only once that is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tarmac.run.local.network.disturbance import Disturbance, Flow
    from tarmac.run.local.network.http_faults import HttpFault
    from tarmac.run.local.network.inspector import Connection
    from tarmac.run.local.network.split import Split
    from tarmac.run.local.network.split_connection import SplitConnection
    from tarmac.run.local.network.wire import Target, Wire

#: The loopback of IPv4, and that of IPv6: some servers listen there alone.
HOSTS = ("127.0.0.1", "::1")
CONNECT_S = 5.0
#: Bytes that may wait for a slow reader before its writer is made to wait.
HIGH_WATER_BYTES = 256 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)


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
        #: What a fault does to the requests of both directions; the user's end has it.
        self.http: HttpFault | None = None
        #: Sends each request to one of two versions; the user's end has it.
        self.split: SplitConnection[Endpoint] | None = None
        #: A fault resets the connection once it is used.
        self.doomed = False
        #: Why nothing is read now.
        self.pauses: set[str] = set()

    @property
    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""
        return self.transport is None or self.transport.is_closing()

    @property
    def disturbance(self) -> Disturbance | None:
        """What is done to its traffic now."""
        user = self.user
        if user is not None and user.split is not None and user.split.defect is not None:
            return user.split.defect
        return self.wire.disturbance

    @property
    def user(self) -> Endpoint | None:
        """The client's end: itself, or the other one."""
        return self if self.target is None else self.other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a user waits for an instance, an instance's end joins its user."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self.wire.ends.add(self)
        if self.target is not None:
            self.target.open += 1
        if not self._is_identified():
            return
        if self.wire.split is not None:
            self.begin_split(self.wire.split)
        if (disturbance := self.disturbance) is not None:
            self.disturb(disturbance, opened=True)
        if self.target is None:
            self._begin()
        else:
            self._join(self.transport)

    def _begin(self) -> None:
        """Look for an instance for a user."""
        if self.is_closing:  # a fault does not let it be
            return
        if self.wire.requests is not None:
            self.inspected = self.wire.requests.connection()
        if self.split is not None:
            self.split.begin()
        else:
            _begin_to_connect(self)

    def _join(self, transport: asyncio.Transport) -> None:
        """Give the user this instance, and the instance what came meanwhile."""
        user = self.other
        if user is None or user.transport is None:  # gone while we were connecting
            self.cut()
            return
        self.inspected = user.inspected
        if user.split is not None and not user.split.connected(self):
            return
        user.other = self
        if user.early:
            user.pause("early", on=False)  # first: what follows may make it wait again
            transport.writelines(user.early)
            user.early.clear()
        if user.ended:
            self.write_eof()

    def _is_identified(self) -> bool:
        """Tell whether the other end of this connection may be there; cut it off if it may not."""
        tls = self.wire.tls
        if tls is None or self.transport is None or tls.listens != (self.target is None):
            return True  # this side of the wire is plain
        if tls.admits(self.transport):
            return True
        self.wire.errors += 1
        if self.other is not None:
            self.other.cut()
        self.cut()
        return False

    def data_received(self, data: bytes) -> None:
        """Pass it on and count it."""
        wire = self.wire
        if self.target is None:
            if self.split is not None:
                self.split.sent(data)
            wire.bytes_sent += len(data)
            if self.inspected is not None:
                self.inspected.sent(data)
        else:
            user = self.other
            if user is not None and user.split is not None and user.other is not self:
                return  # an instance that says something unasked
            wire.bytes_received += len(data)
            if self.inspected is not None:
                self.inspected.received(data)
        wire.last_at = time.time()
        if self.doomed:
            self.reset()
        elif self.flow is None:
            self.forward(data)
        elif (user := self.user) is None or user.http is None:
            self.flow.take(len(data), lambda: self.forward(data))
        else:
            taken = user.http.sent(data) if self.target is None else user.http.received(data)
            for piece, rate in taken:
                self.flow.take(len(piece), partial(self.forward, piece), rate)

    def forward(self, data: bytes) -> None:
        """Pass it on, or keep it until there is a connection to pass it on."""
        if self.other is None or self.other.transport is None:
            self.early.append(data)
            self.pause("early", on=True)
        else:
            if self.other.split is not None:
                self.other.split.received(data)
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end of one direction on; the other may go on for long."""
        if not self.flow:  # with TLS there is no half of a connection to keep
            return self.end() and self.transport is not None and self.transport.can_write_eof()

        def end_later() -> None:
            if not self.end() and self.transport is not None:
                self.transport.close()

        self.flow.take(0, end_later)
        return True

    def end(self) -> bool:
        """End one direction; False where that was the last one."""
        self.ended = True
        if self._is_left():
            return False
        if self.other is None or self.other.transport is None:
            return True  # the client may have sent all, and wait for the answer
        if self.other.ended:
            return False  # both directions are done: what is still to be written is, then it closes
        with contextlib.suppress(OSError, RuntimeError):  # it is closing
            return self.other.write_eof()
        return True

    def write_eof(self) -> bool:
        """End what is written here; False where that has ended both directions, as with TLS."""
        assert self.transport is not None  # noqa: S101 - callers have looked
        if self.transport.can_write_eof():
            self.transport.write_eof()
            return True
        self.transport.close()
        return False

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
        from tarmac.run.local.network import endpoint_faults  # noqa: PLC0415 - in a drill only

        endpoint_faults.disturb(self, disturbance, opened=opened)

    def begin_split(self, split: Split) -> None:
        """Choose a version for each request of a client from now on; an instance's end has none."""
        from tarmac.run.local.network.split_connection import (  # noqa: PLC0415 - in a drill only
            SplitConnection,
        )

        if self.target is not None or self.split is not None:
            return
        self.split = SplitConnection(
            split, self, lambda is_new: _begin_to_connect(self, is_new=is_new)
        )
        if split.defect is not None:
            self.disturb(split.defect, opened=True)

    def answer(self, data: bytes, *, last: bool) -> None:
        """Answer the client in the place of an instance, as a fault wants it."""
        self.wire.bytes_received += len(data)
        if self.inspected is not None:
            self.inspected.received(data)
        if self.split is not None:
            self.split.received(data)
        if self.transport is not None:
            self.transport.write(data)
            if last:
                self.transport.close()

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
        other = self.other
        if self.split is not None:
            self.split.close()
        if self.inspected is not None:
            self.inspected.closed()
        if self.flow and exc is None and other is not None:
            self.flow.take(0, self.leave)  # after what is still on its way
            return
        if self._is_left():
            return
        self.other = None
        if other is not None and other.transport is not None:
            if exc is not None:
                other.cut()
            else:
                other.transport.close()  # after what is still to be written

    def leave(self) -> None:
        """End the other side, once it has all that came from here."""
        if self._is_left():
            return
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            other.transport.close()

    def _is_left(self) -> bool:
        """Tell whether it is an instance's end that its client does not need any more."""
        user = self.other
        return (
            self.target is not None
            and user is not None
            and user.split is not None
            and not user.split.lost(self)
        )

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


def _begin_to_connect(user: Endpoint, *, is_new: bool = False) -> None:
    task = asyncio.get_running_loop().create_task(_connect(user.wire, user, is_new=is_new))
    _CONNECTING.add(task)
    task.add_done_callback(_CONNECTING.discard)


async def _connect(wire: Wire, user: Endpoint, *, is_new: bool) -> None:
    """Find an instance for a new connection."""
    loop = asyncio.get_running_loop()
    wire.connections += 1
    wire.last_at = time.time()
    wire.first_at = wire.first_at or wire.last_at
    while (disturbance := wire.disturbance) is not None and disturbance.refuses:
        disturbance.effect.stalled += 1
        await disturbance.over.wait()
        if user.transport is None:  # it gave up
            return
    tls = wire.tls if wire.tls is not None and not wire.tls.listens else None
    if tls is not None and user.transport and not await tls.admits_user(user.transport):
        wire.errors += 1
        user.cut()
        return
    for target in list(wire.choices(is_new=is_new)):
        for host in HOSTS:
            try:
                async with asyncio.timeout(CONNECT_S):
                    await loop.create_connection(
                        lambda target=target: Endpoint(wire, user, target),
                        host,
                        target.port,
                        ssl=tls.context if tls is not None else None,
                    )
            except ConnectionRefusedError:
                continue  # it may listen on the other loopback alone
            except (OSError, TimeoutError):
                break
            return
    wire.errors += 1
    if user.split is None or user.split.failed(is_new=is_new):
        user.cut()
