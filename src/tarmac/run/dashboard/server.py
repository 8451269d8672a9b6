"""The dashboard's pages and data: files of this folder, and JSON for them.

    GET /                 the page; every view of it has its own #fragment
    GET /static/...       its scripts, styles and libraries
    GET /api/system       nodes, edges, undeclared connections
    GET /api/live         the same as a stream of server-sent events, whenever it has changed
    GET /api/traces       the latest traces (service, failed, name, kind, all, least_us, below_us,
                          from, to, most); files of pages and probes only with `all`
    GET /api/traces/ID    one trace as a tree
    GET /api/failures     the latest failed traces and lines of level error, the same ones as one
    GET /api/activity     requests, failures and CPU of every service, as short lines
    GET /api/timeline     what happened to each node, the latest (most)
    GET /api/explain/NAME what `tarmac explain` says of a service or store that runs
    GET /api/logs         lines of logs and a cursor for the later ones (cursor, last, trace, node)
    GET /api/metrics      rate, errors and durations of a service, and its series: of the last
                          minutes, between two moments, or of runs, each from its start (service,
                          minutes, from, to, run)
    GET /api/series       one series of a service as lines (the same, name, by)
    GET /api/objectives   each objective's share, budget and alerts
    GET /api/configuration   every variable of every service, with its place
    GET /api/catalogue    what `tarmac docs` says of the system
    GET /api/runs         the runs of this system, and of two how requests went (before, after)
    GET /api/messages     what waits and flows, and the dead letters
    GET /api/stores       what each store holds and does, and what services ask of them (minutes)

What changes something is in actions.py. Each question is answered in a thread: what is received
meanwhile does not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import mimetypes
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Route

from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.run.dashboard import actions, catalogue, failures, logs, metrics, recent, snapshot
from tarmac.run.dashboard.access import HEADERS, Access, host_refusal
from tarmac.run.dashboard.metrics import number
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Statistics
from tarmac.run.telemetry import queries, runs, statements, storage
from tarmac.run.telemetry.span import LATEST_NS

if TYPE_CHECKING:
    from tarmac.run.dashboard.model_pages import ModelPages

STATIC = Path(__file__).parent / "static"
_FILES = frozenset(path for path in STATIC.rglob("*") if path.is_file())
#: How often a change is looked for while a page is open, and how often something is said at all.
LOOK_S, BEAT_S = 0.5, 10.0
#: Traces of one list, and longer than any of them.
MOST_TRACES, LONGEST_US = 500, 10**15
Handler = Callable[[Request], Awaitable[Response]]


def routes(home: Home, access: Access) -> list[BaseRoute]:
    """Return the routes of the dashboard."""
    watcher = snapshot.Watcher(home)
    failed, active = failures.RecentFailures(home), recent.RecentActivity(home)

    @functools.cache
    def of_model() -> ModelPages:
        # With the first page that needs the model: it is half of what this process loads.
        from tarmac.run.dashboard.model_pages import ModelPages  # noqa: PLC0415

        return ModelPages(home)

    def answered(question: Callable[[Request], Any]) -> Handler:
        async def handler(request: Request) -> Response:
            try:
                return JSONResponse(await asyncio.to_thread(question, request), headers=HEADERS)
            except TarmacError as error:
                status = 400 if isinstance(error, BadInput) else 404
                return JSONResponse({"error": str(error)}, status, headers=HEADERS)

        return _guarded(handler, access)

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=HEADERS)

    async def live(_request: Request) -> Response:
        return StreamingResponse(_changes(watcher), media_type="text/event-stream", headers=HEADERS)

    def traces(request: Request) -> Any:
        asked = request.query_params
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            found = queries.latest(
                stored,
                most=min(MOST_TRACES, number(asked.get("most"), 100)),
                service=asked.get("service", ""),
                failed=asked.get("failed") == "true",
                name=asked.get("name", ""),
                between_ns=_between_ns(asked.get("least_us"), asked.get("below_us")),
                kind=asked.get("kind", ""),
                interesting=asked.get("all") != "true",
                times_ns=_times_ns(asked.get("from"), asked.get("to")),
            )
        return {"traces": [asdict(trace) for trace in found]}

    def trace(request: Request) -> Any:
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            trace_id, spans = queries.trace(stored, request.path_params["id"])
        return {"trace_id": trace_id, "spans": [asdict(span) for span in spans]}

    def timeline(request: Request) -> Any:
        most = number(request.query_params.get("most"), snapshot.MOST_EVENTS)
        return snapshot.timeline(home, min(most, snapshot.MOST_EVENTS))

    def explained(request: Request) -> Any:
        return snapshot.explained(home, request.path_params["name"])

    def log_lines(request: Request) -> Any:
        asked = request.query_params
        return logs.read(
            home,
            cursor=asked.get("cursor", ""),
            last=number(asked.get("last"), logs.FIRST_LINES),
            trace=_prefix(asked.get("trace")),
            node=asked.get("node", ""),
        )

    def stores(request: Request) -> Any:
        minutes = number(request.query_params.get("minutes"), 15)
        since_ns = max(0, time.time_ns() - minutes * 60_000_000_000)
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            operations = statements.operations(stored, since_ns)
        figures = client.ask(home, Statistics())
        return {"stores": figures, "operations": [asdict(one) for one in operations]}

    def all_runs(request: Request) -> Any:
        asked = request.query_params
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            known = [asdict(run) for run in runs.all_runs(stored)]
            if not asked.get("before"):
                return {"runs": known, "services": []}
            before, after = (
                runs.find(stored, asked.get(key) or runs.LATEST) for key in ("before", "after")
            )
            compared = [asdict(one) for one in runs.compare(stored, before, after)]
        return {"runs": known, "services": compared}

    return [
        Route("/", _guarded(page, access)),
        Route("/api/live", _guarded(live, access)),
        Route("/api/system", answered(lambda _: watcher.system())),
        Route("/api/traces", answered(traces)),
        Route("/api/traces/{id}", answered(trace)),
        Route("/api/timeline", answered(timeline)),
        Route("/api/failures", answered(lambda _: [asdict(one) for one in failed.latest()])),
        Route("/api/activity", answered(lambda _: active.latest())),
        Route("/api/explain/{name}", answered(explained)),
        Route("/api/logs", answered(log_lines)),
        *(Route(path, answered(ask)) for path, ask in metrics.questions(home).items()),
        Route("/api/objectives", answered(lambda _: of_model().objectives())),
        Route("/api/stores", answered(stores)),
        Route("/api/configuration", answered(lambda _: snapshot.configuration(home))),
        Route("/api/catalogue", answered(lambda _: catalogue.read(catalogue.file_of(home)))),
        Route("/api/runs", answered(all_runs)),
        Route("/api/messages", answered(lambda _: of_model().messages())),
        *actions.routes(home, of_model, answered),
        # The files are the same for all systems; only what they show is not.
        Route("/static/{path:path}", _own_file),
    ]


def _guarded(handler: Handler, access: Access) -> Handler:
    async def guarded(request: Request) -> Response:
        return access.refusal(request) or await handler(request)

    return guarded


async def _own_file(request: Request) -> Response:
    """Answer with a file of the page: read at once, as each has some kilobytes."""
    path = STATIC / request.path_params["path"]
    if (refused := host_refusal(request)) is not None:
        return refused
    if path not in _FILES:
        return PlainTextResponse("there is no such file\n", 404)
    status = path.stat()
    # Asked for each time, so that no browser runs the scripts of an earlier version.
    headers = {"ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    media_type = mimetypes.guess_type(path.name)[0] or "text/plain"
    return Response(path.read_bytes(), headers=headers, media_type=media_type)


async def _changes(watcher: snapshot.Watcher) -> AsyncIterator[str]:
    """Yield the system whenever it is another one than before."""
    said, said_at = "", 0.0
    while True:
        try:
            now = json.dumps(await asyncio.to_thread(watcher.system))
        except TarmacError as error:
            now = json.dumps({"error": str(error)})
        if now != said or time.monotonic() - said_at > BEAT_S:
            said, said_at = now, time.monotonic()
            yield f"data: {now}\n\n"
        await asyncio.sleep(LOOK_S)


def _between_ns(least_us: str | None, below_us: str | None) -> tuple[int, int] | None:
    if not least_us and not below_us:
        return None
    return number(least_us, 0) * 1000, number(below_us, LONGEST_US) * 1000


def _times_ns(from_ms: str | None, to_ms: str | None) -> tuple[int, int] | None:
    if not from_ms or not to_ms:
        return None
    latest_ms = LATEST_NS // 1_000_000
    since, until = (min(number(one, 0), latest_ms) for one in (from_ms, to_ms))
    return since * 1_000_000, until * 1_000_000


def _prefix(trace: str | None) -> str:
    try:
        return queries.id_prefix(trace) if trace else ""
    except ValueError as error:
        raise BadInput([Problem(f"trace '{trace}'", str(error))]) from None
