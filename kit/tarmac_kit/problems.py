"""Errors as `application/problem+json` (RFC 9457), and the one rule for bad bodies.

Raised by services, turned into responses by the handlers that `create_app` installs. A body that
is not JSON is 400; one that breaks the schema is 422 with `errors`. It never shows a stack trace
or the value that was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tarmac_kit import trace

MEDIA_TYPE = "application/problem+json"

#: An answer names so many wrong values at most: a body may have a million of them.
MOST_ERRORS = 20


class Problem(Exception):
    """An answer that is no success: status, stable code, title for people, detail of the case."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self, *, instance: str | None = None) -> dict[str, Any]:
        """Return the members of the problem document."""
        document: dict[str, Any] = {
            "type": f"urn:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if instance is not None:
            document["instance"] = instance
        trace_id = trace.current_ids()[0]
        if trace_id:
            document["trace_id"] = trace_id
        return {**document, **self.extra}

    def response(self, *, instance: str | None = None) -> Response:
        """Return the problem as an HTTP response."""
        return Response(
            json.dumps(self.body(instance=instance), default=str),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def from_status(status: int, detail: str | None = None, **headers: str) -> Problem:
    """Return the problem of a bare HTTP status: code and title are the status's own words."""
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_").replace("'", "")
    return Problem(status, code, phrase, None if detail == phrase else detail, headers=headers)


async def _on_problem(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)  # noqa: S101 - FastAPI hands over what was registered
    return exc.response(instance=request.url.path)


async def _on_http_exception(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    detail = exc.detail if isinstance(exc.detail, str) else None
    problem = from_status(exc.status_code, detail, **(exc.headers or {}))
    return problem.response(instance=request.url.path)


def _shortened(step: str | int) -> str | int:
    return step if isinstance(step, int) or len(step) <= 100 else f"{step[:100]}..."


async def _on_validation_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - as above
    found = exc.errors()
    if any(error["type"] == "json_invalid" for error in found):
        return Problem(
            400,
            "malformed_body",
            "The body is not valid JSON",
            found[0].get("ctx", {}).get("error"),
        ).response(instance=request.url.path)
    errors = [
        {"loc": [_shortened(step) for step in error["loc"]], "msg": error["msg"]}
        for error in found[:MOST_ERRORS]
    ]
    return Problem(
        422,
        "invalid_request",
        "The request does not match the schema",
        f"{len(found)} value(s) are wrong; see errors"
        + (f" (the first {MOST_ERRORS})" if len(found) > MOST_ERRORS else ""),
        errors=errors,
    ).response(instance=request.url.path)


async def _on_disconnect(request: Request, _exc: Exception) -> Response:
    # Nothing here failed, and nothing listens any more: counted as a client's, as nginx does.
    return Problem(499, "client_closed_request", "The client closed the request").response(
        instance=request.url.path
    )


async def _on_crash(request: Request, _exc: Exception) -> Response:
    return Problem(
        500, "internal_error", "Something went wrong here", "the service's log has the trace_id"
    ).response(instance=request.url.path)


def install(app: FastAPI) -> None:
    """Register the handlers that turn every error of `app` into a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_crash)
