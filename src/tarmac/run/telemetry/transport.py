"""One connection of the telemetry process: its first bytes tell whether it is HTTP/1 or gRPC.

So one address fits every SDK, whatever its default is, and a service that knows only gRPC is seen
as it is. The head of each request of HTTP/1 has a deadline and a size, which uvicorn has not.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tarmac.run.telemetry.grpc import GrpcProtocol
from tarmac.run.telemetry.intake import Intake

#: What a client of HTTP/2 sends first (RFC 9113, section 3.4); enough of it to tell it from HTTP/1.
PREFACE = b"PRI * HTTP/2.0"


def http_or_grpc(intake: Intake) -> type[HttpToolsProtocol]:
    """Make the protocol of a server that takes both on one port."""
    limits = intake.limits

    class HttpOrGrpcProtocol(HttpToolsProtocol):
        """HTTP/1, until the first bytes say that it is HTTP/2."""

        first: bytes | None = b""
        head_bytes = 0
        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(cast("asyncio.Transport", transport))
            if len(self.connections) > limits.connections:
                self.transport.abort()
            else:
                self.await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self.end_deadline()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.first is None:
                self.take(data)
                return
            self.first += data
            begun = self.first[: len(PREFACE)]
            if begun != PREFACE[: len(begun)]:
                given, self.first = self.first, None
                self.take(given)
            elif len(begun) == len(PREFACE):
                self.end_deadline()
                self.connections.discard(self)
                protocol = GrpcProtocol(intake, self.connections)
                protocol.connection_made(self.transport)
                self.transport.set_protocol(protocol)
                protocol.data_received(self.first)

        def take(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                return
            # A head, or what is left of a body that was answered before its end.
            self.await_head()
            self.head_bytes += len(data)
            if self.head_bytes > limits.head_bytes:
                self.refuse(b"431 Request Header Fields Too Large")

        def on_headers_complete(self) -> None:
            self.end_deadline()
            self.head_bytes = 0
            super().on_headers_complete()

        def await_head(self) -> None:
            if self.deadline is None and not self.transport.is_closing():
                status = b"408 Request Timeout"
                self.deadline = self.loop.call_later(limits.head_s, self.refuse, status)

        def end_deadline(self) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def refuse(self, status: bytes) -> None:
            if self.head_bytes and not self.transport.is_closing():
                head = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                self.transport.write(head % status)
            self.transport.close()

    return HttpOrGrpcProtocol
