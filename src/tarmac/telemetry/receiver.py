"""The OTLP endpoint over HTTP: takes traces in protobuf or JSON and hands them to the writer.

An ASGI application without a framework's routing: three paths. It answers as soon as spans are
queued. What finds the queue full is refused as OTLP says (429), so exporters send it again or count
it as lost; nothing of a request is kept but its spans.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tarmac.loopback import is_loopback_address
from tarmac.telemetry import otlp
from tarmac.telemetry.span import Span

JSON, PROTOBUF = "application/json", "application/x-protobuf"
#: Bytes of a request, as it comes and unpacked: batches of the SDKs have 512 spans.
MOST_BYTES = 16 << 20


class RefusedRequest(Exception):
    """A request that is not taken: its status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def create_app(
    queue: Callable[[list[Span]], bool],
    counts: Callable[[], dict[str, int]],
    pages: Sequence[BaseRoute] = (),
) -> Starlette:
    """Make the application.

    Args:
        queue: takes spans for the writer; False where it has no place for them.
        counts: what was received, written and refused so far.
        pages: other routes at the same address, which check access themselves.
    """

    async def traces(request: Request) -> Response:
        try:
            kind = _content_type(request)
            body = await _body(request)
            decode = otlp.spans_of_json if kind == JSON else otlp.spans_of_protobuf
            spans = decode(body)
        except RefusedRequest as error:
            return _refusal(error.status, str(error))
        except otlp.UnreadableRequest as error:
            return _refusal(400, str(error))
        if not queue(spans):
            return _refusal(429, "too many spans wait to be written", {"Retry-After": "1"})
        # An ExportTraceServiceResponse without a word: all were taken.
        return Response(b"{}" if kind == JSON else b"", media_type=kind)

    async def health(_request: Request) -> Response:
        return JSONResponse(counts())

    return Starlette(
        routes=[
            Route("/v1/traces", traces, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
            *pages,
        ]
    )


def _refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"code": status, "message": reason}, status, headers)


def _content_type(request: Request) -> str:
    """Return the body's type; a web page cannot send these without asking, and is told no."""
    host = (request.url.hostname or "").strip("[]")
    if host != "localhost" and not is_loopback_address(host):
        raise RefusedRequest(403, f"host {host[:100]!r} is not this machine's loopback")
    if "origin" in request.headers:
        raise RefusedRequest(403, "web pages send nothing here")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, PROTOBUF):
        raise RefusedRequest(415, f"content-type {kind[:100]!r}; send {JSON} or {PROTOBUF}")
    return kind


async def _body(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            raise RefusedRequest(413, f"more than {MOST_BYTES} bytes")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return bytes(received)
    if coding != "gzip":
        raise RefusedRequest(415, f"content-encoding {coding[:100]!r}; send gzip or none")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(bytes(received), MOST_BYTES + 1)
    except zlib.error as error:
        raise RefusedRequest(400, f"not gzip ({error})") from None
    if len(unpacked) > MOST_BYTES:
        raise RefusedRequest(413, f"more than {MOST_BYTES} bytes when unpacked")
    if not unpacking.eof:
        raise RefusedRequest(400, "the gzip stream is cut off")
    return unpacked
