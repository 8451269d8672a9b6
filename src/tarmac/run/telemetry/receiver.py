"""The OTLP endpoint over HTTP: takes traces, metrics and logs in protobuf or JSON.

It answers as soon as they are queued. What finds the queue full is refused as OTLP says (429), so
exporters send it again or count it as lost; nothing else of a request is kept. A body that does not
come to its end in time is refused (408), and so is one that is never taken (413).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tarmac.base.loopback import host_problem
from tarmac.plan.telemetry_token import TOKEN_HEADER
from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.intake import SIGNALS, Body, Intake
from tarmac.run.telemetry.limits import FullQueue, TooLarge

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
            await _take(request, intake, signal, is_json=kind == JSON)
        except RefusedRequest as error:
            return _refusal(error.status, str(error))
        except otlp.UnreadableRequest as error:
            return _refusal(400, str(error))
        except TooLarge as error:
            return _refusal(413, str(error))
        except FullQueue as error:
            return _refusal(429, str(error), {"Retry-After": "1"})
        except ClientDisconnect:
            return Response(status_code=400)  # nothing reads it
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
    """Answer, and end the connection: the rest of a body may be on its way."""
    more = {"Connection": "close", **(headers or {})}
    return JSONResponse({"code": status, "message": reason}, status, more)


def _content_type(request: Request) -> str:
    """Return the body's type; a web page cannot send these without asking, and is told no."""
    if (problem := host_problem(request.headers.getlist("host"))) is not None:
        raise RefusedRequest(*problem)
    if "origin" in request.headers:
        raise RefusedRequest(403, "web pages may not send data here")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, PROTOBUF):
        raise RefusedRequest(415, f"content-type {kind[:100]!r}; send {JSON} or {PROTOBUF}")
    return kind


async def _take(request: Request, intake: Intake, signal: str, *, is_json: bool) -> None:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise RefusedRequest(415, f"content-encoding {coding[:100]!r}; send gzip or none")
    received = bytearray()
    try:
        await _receive(request, intake, received)
        token = request.headers.get(TOKEN_HEADER, "")
        await intake.take(signal, Body(bytes(received), is_json, coding == "gzip", token))
    finally:
        intake.held.drop(len(received))


async def _receive(request: Request, intake: Intake, received: bytearray) -> None:
    most, limit_s = intake.limits.request_bytes, intake.limits.body_s
    try:
        async with asyncio.timeout(limit_s):
            async for chunk in request.stream():
                if len(received) + len(chunk) > most:
                    raise TooLarge(f"more than {most} bytes")
                intake.held.add(len(chunk))
                received += chunk
    except TimeoutError:
        raise RefusedRequest(408, f"the body did not end within {limit_s:g} s") from None
