"""`create_app`: parts and an environment become one ASGI app with lifespan.

Called by `serve`, by tests, and by anyone who brings an ASGI server. It opens nothing: the
lifespan does.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from tarmac_kit import conventions, error_reporter, logs, metrics, openapi, problems, settings
from tarmac_kit.admission import admit
from tarmac_kit.chassis import Chassis, Part
from tarmac_kit.client import Transport
from tarmac_kit.limits import BodyRejected, on_rejected
from tarmac_kit.messages import Bus
from tarmac_kit.middleware import ASGIApp, Receive, RequestMiddleware, Scope, Send, set_route
from tarmac_kit.settings import Settings, SettingsError
from tarmac_kit.tokens import TokenVerifier

if TYPE_CHECKING:
    from tarmac_kit.otlp_exporter import OtlpExporter


@dataclass(frozen=True)
class Application:
    """An ASGI app: FastAPI inside, the kit's middleware around it."""

    api: FastAPI
    chassis: Chassis
    #: What a server may call instead of this, one step nearer.
    edge: RequestMiddleware

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.edge(scope, receive, send)


def create_app(
    parts: Sequence[Part],
    environ: Mapping[str, str] | None = None,
    *,
    bus: Bus | None = None,
    transport: Transport | None = None,
    verifier: TokenVerifier | None = None,
) -> Application:
    """Return the app of `parts`, mounted in order, reading `environ` (the process's if None).

    `bus`, `transport` and `verifier` take the place of those that the environment names: tests
    give fakes. Raises SettingsError with a line for every variable of all parts that is missing
    or wrong.
    """
    environ = os.environ if environ is None else environ
    loaded = settings.load(Settings, environ, service=environ.get("SERVICE_NAME", "service"))
    sent = error_reporter.from_settings(loaded)
    logs.configure(
        loaded.service_name,
        level=loaded.log_level,
        form=loaded.log_format,
        on_error=None if sent is None else sent.logged,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await chassis.start()
        try:
            yield
        finally:
            await chassis.stop()

    api = FastAPI(
        title=loaded.service_name,
        lifespan=lifespan,
        redoc_url=None,
        # Edge makes the spans, also for what FastAPI does not route: none of them twice.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    chassis = Chassis(api, environ, loaded, bus=bus, transport=transport, verifier=verifier)
    api.state.chassis = chassis
    #: For a part that receives errors of its pages; None without SENTRY_DSN.
    api.state.error_reporter = sent
    if sent is not None:
        chassis.on_stop(sent.close)
    problems.install(api)
    api.add_exception_handler(BodyRejected, on_rejected)
    openapi.install(api)
    spans = _otlp_exporter(environ, chassis)
    for part in parts:
        chassis.mounting = part.name
        try:
            part.mount(chassis)
        except Exception:
            # A part may trip over the setting that it misses; what it misses is the message.
            if not chassis.missing:
                raise
    chassis.mounting = ""
    if chassis.missing:
        raise SettingsError(chassis.missing)
    if spans is not None:
        chassis.background("spans", spans.run)
        chassis.on_stop(spans.close)  # the last: what stops before may still end some
    outermost: Any = _with_health_routes(api, chassis)
    for wrap in chassis.wraps:
        outermost = wrap(outermost)
    outermost = admit(outermost, chassis.cross_origin, chassis.callers)
    access_log = logs.access_log(
        loaded.service_name, level=loaded.log_level, form=loaded.log_format
    )
    edge = RequestMiddleware(
        chassis.limits.around(outermost),
        metrics=chassis.metrics,
        health=chassis.health,
        access_log=access_log,
        spans=chassis.spans,
        believes_deadline=chassis.believes_deadline,
    )
    return Application(api, chassis, edge)


def _otlp_exporter(environ: Mapping[str, str], chassis: Chassis) -> OtlpExporter | None:
    """Have the service's spans made and sent; None, and nothing imported, without an address."""
    if not (environ.get(conventions.SPANS_TO) or environ.get(conventions.TRACES_TO)):
        return None
    from tarmac_kit import otlp, otlp_exporter  # noqa: PLC0415 - the SDK, and only for this

    service = chassis.settings.service_name
    said = settings.load(otlp.SpanSettings, environ, service=service)
    if said.otel_sdk_disabled or said.otel_traces_exporter == "none":
        return None
    chassis.metrics.will_send_spans()
    made = otlp_exporter.OtlpExporter(said, service, chassis.metrics.spans)
    chassis.spans = made.source
    return made


def _with_health_routes(app: ASGIApp, chassis: Chassis) -> ASGIApp:
    """Put the kit's own routes before `app`: no part hides them, no request is matched to them."""

    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    async def ready() -> Response:
        status, body = await chassis.health.ready()
        return JSONResponse(body, status)

    async def exposition() -> Response:
        return Response(chassis.metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    endpoints = {
        conventions.HEALTH_PATH: health,
        conventions.LIVE_PATH: health,
        conventions.READY_PATH: ready,
        conventions.METRICS_PATH: exposition,
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        set_route(scope, scope["path"])
        if scope["method"] == "GET":
            response = await endpoints[scope["path"]]()
        else:
            problem = problems.from_status(405, Allow="GET")
            response = problem.response(instance=scope["path"])
        await response(scope, receive, send)

    def routed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        own = scope["type"] == "http" and scope["path"] in endpoints
        return answer(scope, receive, send) if own else app(scope, receive, send)

    return routed
