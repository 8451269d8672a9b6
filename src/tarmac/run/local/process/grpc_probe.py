"""Asks a gRPC server how it is, over HTTP/2: `grpc.health.v1.Health/Check`.

Used by `probes`. It needs no stubs: the request is one string, the answer one number.
"""

from __future__ import annotations

import asyncio

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from tarmac.run.local.process.dialing import connect

PATH = "/grpc.health.v1.Health/Check"
#: grpc/health/v1/health.proto: field 1 of the answer, a varint.
STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
#: The type of the frame that every server sends first (RFC 9113, section 3.4).
SETTINGS = b"\x04"
UNIMPLEMENTED = "12"


async def check(host: str, port: int, service: str) -> str | None:
    """Ask once; return None if it serves, else why not."""
    reader, writer = await asyncio.open_connection(sock=await connect(host, port))
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    name = service.encode()
    message = bytes([0x0A, len(name)]) + name if name else b""
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    connection.send_headers(
        stream,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", f"{host}:{port}"),
            (":path", PATH),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ],
    )
    connection.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message, end_stream=True)
    body, headers, spoken = b"", dict[str, str](), False
    try:
        while True:
            writer.write(connection.data_to_send())
            await writer.drain()
            data = await reader.read(65536)
            if not data:
                return "closes the connection"
            if not spoken and data[3:4] != SETTINGS:
                return f"port {port} does not speak gRPC"
            spoken = True
            for event in connection.receive_data(data):
                if isinstance(event, DataReceived):
                    body += event.data or b""
                headers.update(_headers(event))
                if isinstance(event, StreamEnded | StreamReset | ConnectionTerminated):
                    return _verdict(body, headers, service)
    except ProtocolError:
        return f"port {port} does not speak gRPC"
    finally:
        writer.close()


def _headers(event: Event) -> dict[str, str]:
    if isinstance(event, ResponseReceived | TrailersReceived):
        return {str(name): str(value) for name, value in event.headers or ()}
    return {}


def _verdict(body: bytes, headers: dict[str, str], service: str) -> str | None:
    status = headers.get("grpc-status", "")
    if status == UNIMPLEMENTED:
        return "has no grpc.health.v1 service; add it, or probe with `tcp: true`"
    if status not in ("", "0"):
        return f"{PATH} answers {headers.get('grpc-message') or f'grpc-status {status}'}"
    # Five bytes before the message; a message without field 1 means its default, 0.
    state = body[6] if len(body) > 6 and body[5] == 0x08 else 0
    if STATES.get(state) == "SERVING":
        return None
    about = f"'{service}' is" if service else "it is"
    return f"{about} {STATES.get(state, state)}"
