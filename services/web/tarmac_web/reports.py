"""Errors of scripts in visitors' browsers, sent on to the error tracker.

Built by endpoints.py. Pages send them to this address of their own; a report is limited in size and
number, holds no cookie or user, and comes from our pages only. Without a tracker it is a log line.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from tarmac_kit import Problem, RateLimiter, get_logger
from tarmac_kit.error_reporter import ErrorReporter, masked
from tarmac_web.visit import Site

MOST_BYTES = 8 * 1024
#: One browser, and all of them together.
PER_MINUTE, BURST = 10, 5
ALL_PER_MINUTE, ALL_BURST = 300, 60
#: `at name (url:1:2)` of Chromium, `name@url:1:2` of Firefox and Safari.
_FRAME = re.compile(
    r"^\s*(?:at (?:(?P<a>[^()]{1,200}) \()?|(?P<b>[^@]{0,200})@)"
    r"(?P<url>[^\s()]+?):(?P<line>\d{1,7}):(?P<column>\d{1,7})\)?\s*$"
)
_TYPE = re.compile(r"^(?:Uncaught )?(?P<type>[A-Z]\w{0,60}): (?P<text>.*)$", re.DOTALL)
MOST_FRAMES = 30


class Report(BaseModel):
    """What a page says of an error."""

    model_config = ConfigDict(extra="ignore")

    message: str = Field(min_length=1, max_length=500)
    source: str = Field(default="", max_length=300)
    line: int = Field(default=0, ge=0, le=10_000_000)
    column: int = Field(default=0, ge=0, le=10_000_000)
    stack: str = Field(default="", max_length=4000)
    page: str = Field(default="", max_length=300)


def build_router(site: Site, sent: ErrorReporter | None) -> APIRouter:
    """Build the route; `sent` is the tracker."""
    router = APIRouter()
    of_visitor = RateLimiter(per_minute=PER_MINUTE, burst=BURST)
    together = RateLimiter(per_minute=ALL_PER_MINUTE, burst=ALL_BURST, max_keys=1)

    @router.post(
        "/client-errors",
        status_code=204,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": Report.model_json_schema()}},
            }
        },
    )
    async def report_error(request: Request) -> Response:
        """Report an error of a page's script; for the pages themselves."""
        if not _from_our_page(request):
            raise Problem(403, "foreign_page", "Only our own pages report errors here")
        for limiter, key in ((of_visitor, site.visit(request).address or ""), (together, "")):
            decision = limiter.take(key)
            if not decision.allowed:
                raise decision.problem()
        report = _read(await _body(request))
        event = to_event(report)
        if sent is None:
            get_logger("pages").warning(
                "a page's script failed",
                message=masked(report.message),
                place=f"{_path(report.source)}:{report.line}",
                page=_route(report.page),
            )
        else:
            sent.send(event)
        return Response(status_code=204)

    return router


def _from_our_page(request: Request) -> bool:
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and _parts(origin).netloc == request.headers.get("host", "")


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Problem(413, "report_too_large", f"A report has at most {MOST_BYTES} bytes")
    return body


def _read(body: bytes) -> Report:
    try:
        return Report.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        raise Problem(422, "bad_report", "This is no report of an error") from None


def to_event(report: Report) -> dict[str, Any]:
    """Return a report as an event in Sentry's form."""
    found = _TYPE.match(report.message)
    frames = _frames(report.stack)
    if not frames and report.source:
        frames = [_frame("", report.source, report.line, report.column)]
    value: dict[str, Any] = {
        "type": found["type"] if found else "Error",
        "value": masked(found["text"] if found else report.message),
        "mechanism": {"type": "onerror", "handled": False},
    }
    if frames:
        value["stacktrace"] = {"frames": frames}
    return {
        "platform": "javascript",
        "level": "error",
        "logger": "page",
        "exception": {"values": [value]},
        "tags": {"route": _route(report.page)},
    }


def _frames(stack: str) -> list[dict[str, Any]]:
    """Return the frames of a stack, the outermost first, as trackers want them."""
    matches = [found for line in stack.splitlines() if (found := _FRAME.match(line))]
    frames = [
        _frame(
            match["a"] or match["b"] or "", match["url"], int(match["line"]), int(match["column"])
        )
        for match in matches
    ]
    return frames[:MOST_FRAMES][::-1]


def _frame(name: str, url: str, line: int, column: int) -> dict[str, Any]:
    return {
        "function": masked(name) or "?",
        "filename": _path(url),
        "lineno": line,
        "colno": column,
        "in_app": True,
    }


def _path(url: str) -> str:
    """Return the path of a script's address: neither its host nor a query says more."""
    return _parts(url).path[:300] if url.startswith(("http:", "https:", "/")) else "?"


def _route(page: str) -> str:
    """Return a page's path with what names one thing, an id or a symbol, left out."""
    steps = [
        "*" if any(char.isdigit() for char in step) or step.isupper() else step
        for step in _parts(page).path.split("/")
    ]
    return "/".join(steps)[:200] or "/"


def _parts(url: str) -> SplitResult:
    """Take an address apart; one that is none, as `http://[`, has no parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
