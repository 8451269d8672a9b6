"""The OTLP endpoint over HTTP: takes traces, metrics and logs in protobuf or JSON.

It answers as soon as they are queued. What finds the queue full is refused as OTLP says (429), so
exporters send it again or count it as lost; nothing else of a request is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tarmac.base.loopback import host_problem
from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.intake import MOST_BYTES, SIGNALS, FullQueue, Intake, TooLarge, unpacked

JSON, PROTOBUF = "application/json", "application/x-protobuf"


class RefusedRequest(Exception):
    """A request that is not taken: its status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def create_app(intake: Intake, pages: Sequence[BaseRoute] = ()) -> Starlette:
    """Make the application.

    Args:
        pages: other routes at the same address, which check access themselves.
    """

    async def receive(request: Request) -> Response:
        signal = request.path_params["signal"]
        if signal not in SIGNALS:
            return _refusal(404, f"no signal of OTLP ({signal[:100]!r})")
        try:
            kind = _content_type(request)
            await intake.take(signal, await _body(request), is_json=kind == JSON)
        except RefusedRequest as error:
            return _refusal(error.status, str(error))
        except otlp.UnreadableRequest as error:
            return _refusal(400, str(error))
        except FullQueue as error:
            return _refusal(429, str(error), {"Retry-After": "1"})
        # An answer without a word: all were taken.
        return Response(b"{}" if kind == JSON else b"", media_type=kind)

    async def health(request: Request) -> Response:
        if (problem := host_problem(request.headers.getlist("host"))) is not None:
            return _refusal(*problem)
        return JSONResponse(intake.writer.counts)

    return Starlette(
        routes=[
            Route("/v1/{signal}", receive, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
            *pages,
        ]
    )


def _refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"code": status, "message": reason}, status, headers)


def _content_type(request: Request) -> str:
    """Return the body's type; a web page cannot send these without asking, and is told no."""
    if (problem := host_problem(request.headers.getlist("host"))) is not None:
        raise RefusedRequest(*problem)
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
    try:
        return unpacked(bytes(received))
    except TooLarge:
        raise RefusedRequest(413, f"more than {MOST_BYTES} bytes when unpacked") from None
    except ValueError as error:
        raise RefusedRequest(400, str(error)) from None
