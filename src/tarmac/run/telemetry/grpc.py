"""OTLP over gRPC, for connections that transport.py finds to be HTTP/2.

Three unary methods over HTTP/2 (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md),
by h2, which the gRPC probe uses as well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from tarmac.plan.telemetry_token import TOKEN_HEADER
from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.intake import Body, Intake
from tarmac.run.telemetry.limits import FullQueue, TooLarge

PATHS = {
    f"/opentelemetry.proto.collector.{name}.v1.{service}/Export": signal
    for signal, name, service in (
        ("traces", "trace", "TraceService"),
        ("metrics", "metrics", "MetricsService"),
        ("logs", "logs", "LogsService"),
    )
}
#: gRPC's codes. UNAVAILABLE is the one by which exporters send again.
OK, INVALID, TOO_LARGE, UNIMPLEMENTED, UNAVAILABLE = 0, 3, 8, 12, 14
#: Before a message: whether it is packed, and its length.
PREFIX_BYTES = 5
#: What a client may send before it waits for a window update; larger than most batches.
WINDOW_BYTES = 1 << 20


@dataclass
class _Call:
    """One request as it comes."""

    path: str
    packed: bool
    token: str
    #: Ends the call that does not come to its end in time.
    deadline: asyncio.TimerHandle
    body: bytearray = field(default_factory=bytearray)


class GrpcProtocol(asyncio.Protocol):
    """One connection of a gRPC client."""

    def __init__(self, intake: Intake, connections: set[Any]) -> None:
        """Take the server's connections, which it ends before it ends itself."""
        self._intake = intake
        self._connections = connections
        # Heads stay bytes: h2 fails on one that is not text.
        self._connection = H2Connection(H2Configuration(client_side=False))
        self._calls: dict[int, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to speak."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(WINDOW_BYTES)
        self._send()
        self._await_call()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget it; what was taken is written."""
        self._connections.discard(self)
        self._end_idle()
        for stream in list(self._calls):
            self._intake.held.drop(len(self._end_body(stream).body))

    def shutdown(self) -> None:
        """End the connection, as the server ends: the client connects to the next process."""
        self._connection.close_connection()
        self._send()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        try:
            for event in self._connection.receive_data(data):
                self._happened(event)
        except ProtocolError:
            self._send()
            self._transport.close()
        else:
            self._send()

    def _happened(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._end_idle()
            stream, limits = event.stream_id, self._intake.limits
            late = f"the request did not end within {limits.body_s:g} s"
            deadline = asyncio.get_running_loop().call_later(
                limits.body_s, self._refuse, stream, UNAVAILABLE, late
            )
            headers = {_text(name): _text(value) for name, value in event.headers or ()}
            packed = headers.get("grpc-encoding", "identity") == "gzip"
            self._calls[stream] = _Call(
                headers.get(":path", ""), packed, headers.get(TOKEN_HEADER, ""), deadline
            )
        elif isinstance(event, DataReceived):
            self._connection.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id
            )
            if (call := self._calls.get(event.stream_id)) is not None:
                self._add(event.stream_id, call, event.data)
        elif isinstance(event, StreamEnded) and event.stream_id in self._calls:
            call = self._end_body(event.stream_id)
            task = asyncio.ensure_future(self._take(event.stream_id, call))
            self._tasks.add(task)
            task.add_done_callback(self._taken)
        elif isinstance(event, StreamReset) and event.stream_id in self._calls:
            self._intake.held.drop(len(self._end_body(event.stream_id).body))
            self._await_call()

    def _add(self, stream: int, call: _Call, data: bytes) -> None:
        most = self._intake.limits.request_bytes
        if len(call.body) + len(data) > most:
            self._refuse(stream, TOO_LARGE, f"more than {most} bytes")
            return
        try:
            self._intake.held.add(len(data))
        except FullQueue as error:
            self._refuse(stream, UNAVAILABLE, str(error))
        else:
            call.body += data

    def _end_body(self, stream: int) -> _Call:
        """Await no more of a call; its bytes are still counted as held."""
        call = self._calls.pop(stream)
        call.deadline.cancel()
        return call

    def _refuse(self, stream: int, status: int, why: str) -> None:
        """Answer a call that is not whole yet."""
        self._intake.held.drop(len(self._end_body(stream).body))
        self._answer(stream, status, why)
        self._await_call()

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._await_call()

    def _await_call(self) -> None:
        if not self._calls and not self._tasks and not self._transport.is_closing():
            self._end_idle()
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._intake.limits.idle_s, self.shutdown)

    def _end_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _take(self, stream: int, call: _Call) -> None:
        signal = PATHS.get(call.path)
        try:
            if signal is None:
                self._answer(stream, UNIMPLEMENTED, f"no method {call.path[:100]!r}")
                return
            await self._intake.take(signal, _message(call))
        except FullQueue as error:
            self._answer(stream, UNAVAILABLE, str(error))
        except TooLarge as error:
            self._answer(stream, TOO_LARGE, str(error))
        except otlp.UnreadableRequest as error:
            self._answer(stream, INVALID, str(error))
        else:
            self._answer(stream, OK)
        finally:
            self._intake.held.drop(len(call.body))

    def _answer(self, stream: int, status: int, why: str = "") -> None:
        """Send the reply; do nothing if the client has disconnected."""
        head = [(":status", "200"), ("content-type", "application/grpc")]
        tail = [("grpc-status", str(status))]
        if why:
            tail.append(("grpc-message", quote(why)))
        try:
            self._connection.send_headers(stream, head)
            if status == OK:  # an empty message: all were taken
                self._connection.send_data(stream, bytes(PREFIX_BYTES))
            self._connection.send_headers(stream, tail, end_stream=True)
        except ProtocolError:
            return
        self._send()

    def _send(self) -> None:
        data = self._connection.data_to_send()
        if not data or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._intake.limits.unread_bytes:
            self._transport.abort()


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


def _message(call: _Call) -> Body:
    """Return the message of a call. Raises UnreadableRequest."""
    length = int.from_bytes(call.body[1:PREFIX_BYTES])
    message = bytes(call.body[PREFIX_BYTES:])
    if len(call.body) < PREFIX_BYTES or len(message) != length:
        raise otlp.UnreadableRequest("not one whole message")
    if call.body[0] and not call.packed:
        raise otlp.UnreadableRequest("compressed with another method than gzip")
    return Body(message, is_packed=bool(call.body[0]), token=call.token)
