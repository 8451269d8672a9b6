"""OTLP over gRPC, on the address that HTTP has: the first bytes of a connection tell which it is.

So one address fits every SDK, whatever its default is, and a service that knows only gRPC is seen
as it is. Three unary methods over HTTP/2 (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md),
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
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.intake import MOST_BYTES, FullQueue, Intake, TooLarge, unpacked

#: What a client of HTTP/2 sends first (RFC 9113, section 3.4); enough of it to tell it from HTTP/1.
PREFACE = b"PRI * HTTP/2.0"
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
    body: bytearray = field(default_factory=bytearray)


class GrpcProtocol(asyncio.Protocol):
    """One connection of a gRPC client."""

    def __init__(self, intake: Intake, connections: set[Any]) -> None:
        """Take the server's connections, which it ends before it ends itself."""
        self._intake = intake
        self._connections = connections
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self._connection = H2Connection(config)
        self._calls: dict[int, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to speak."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(WINDOW_BYTES)
        self._send()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget it; what was taken is written."""
        self._connections.discard(self)

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
            headers = {str(name): str(value) for name, value in event.headers or ()}
            packed = headers.get("grpc-encoding", "identity") == "gzip"
            self._calls[event.stream_id] = _Call(headers.get(":path", ""), packed)
        elif isinstance(event, DataReceived):
            self._connection.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id
            )
            if (call := self._calls.get(event.stream_id)) is not None:
                call.body += event.data
                if len(call.body) > MOST_BYTES:
                    del self._calls[event.stream_id]
                    self._answer(event.stream_id, TOO_LARGE, f"more than {MOST_BYTES} bytes")
        elif isinstance(event, StreamEnded) and event.stream_id in self._calls:
            call = self._calls.pop(event.stream_id)
            task = asyncio.ensure_future(self._take(event.stream_id, call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(event, StreamReset):
            self._calls.pop(event.stream_id, None)

    async def _take(self, stream: int, call: _Call) -> None:
        signal = PATHS.get(call.path)
        if signal is None:
            self._answer(stream, UNIMPLEMENTED, f"no method {call.path[:100]!r}")
            return
        try:
            await self._intake.take(signal, _message(call), is_json=False)
        except FullQueue as error:
            self._answer(stream, UNAVAILABLE, str(error))
        except TooLarge as error:
            self._answer(stream, TOO_LARGE, str(error))
        except (otlp.UnreadableRequest, ValueError) as error:
            self._answer(stream, INVALID, str(error))
        else:
            self._answer(stream, OK)

    def _answer(self, stream: int, status: int, why: str = "") -> None:
        """Answer one call; a client that has left is not told."""
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
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _message(call: _Call) -> bytes:
    """Return the message of a call. Raises ValueError, and TooLarge."""
    length = int.from_bytes(call.body[1:PREFIX_BYTES])
    message = bytes(call.body[PREFIX_BYTES:])
    if len(call.body) < PREFIX_BYTES or len(message) != length:
        raise ValueError("not one whole message")
    if not call.body[0]:
        return message
    if not call.packed:
        raise ValueError("packed otherwise than by gzip")
    return unpacked(message)


def http_or_grpc(intake: Intake) -> type[HttpToolsProtocol]:
    """Make the protocol of a server that takes both on one port."""

    class HttpOrGrpcProtocol(HttpToolsProtocol):
        """HTTP/1, until the first bytes say that it is HTTP/2."""

        first: bytes | None = b""

        def data_received(self, data: bytes) -> None:
            if self.first is None:
                super().data_received(data)
                return
            self.first += data
            begun = self.first[: len(PREFACE)]
            if begun != PREFACE[: len(begun)]:
                given, self.first = self.first, None
                super().data_received(given)
            elif len(begun) == len(PREFACE):
                self.connections.discard(self)
                protocol = GrpcProtocol(intake, self.connections)
                protocol.connection_made(self.transport)
                self.transport.set_protocol(protocol)
                protocol.data_received(self.first)

    return HttpOrGrpcProtocol
