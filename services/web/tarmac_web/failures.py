"""Every error as a page: what happened, in a sentence, and what the visitor can do.

Installed by app.py in the place of the kit's handlers. A client that does not ask for HTML gets the
kit's problem document. A page never shows a stack trace or a value that was sent.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from tarmac_kit import Problem, problems, trace
from tarmac_web.api import RefusedError
from tarmac_web.visit import BadForm, LoginNeeded, Site

#: Seconds after which a page of something that is down looks again by itself.
RETRY_S = 5


def _wants_page(request: Request) -> bool:
    """Return whether a person asks: browsers name HTML where they load a page, scripts do not."""
    return "text/html" in request.headers.get("accept", "text/html")


def install(app: FastAPI, site: Site) -> None:
    """Register the handlers."""

    def page(
        request: Request, status: int, kind: str, headers: dict[str, str] | None = None
    ) -> Response:
        if not _wants_page(request):
            problem = problems.from_status(status, **(headers or {}))
            return problem.response(instance=request.url.path)
        visit = site.visit(request)
        html = site.pages.render(
            "error.html",
            visit=visit,
            note=None,
            kind=kind,
            status=status,
            retry=visit.here if request.method == "GET" else "",
            retry_s=RETRY_S,
            trace_id=trace.current_ids()[0],
        )
        return HTMLResponse(html, status, headers={"Cache-Control": "no-store", **(headers or {})})

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - FastAPI hands over what was registered
        if not _wants_page(request):
            return error.response(instance=request.url.path)
        after = {"Retry-After": error.headers.get("Retry-After", str(RETRY_S))}
        if error.status == 429:
            return page(request, 429, "busy", after)
        if error.status in (502, 503, 504):
            return page(request, 503, "down", after)
        return page(request, min(500, error.status), "broken")

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        kind = "missing" if error.status_code in (404, 405) else "broken"
        return page(request, error.status_code, kind, dict(error.headers or {}))

    async def on_wrong_request(request: Request, _error: Exception) -> Response:
        return page(request, 404 if _wants_page(request) else 422, "missing")

    async def on_login_needed(request: Request, error: Exception) -> Response:
        assert isinstance(error, LoginNeeded)  # noqa: S101 - as above
        visit = site.visit(request)
        if error.ended:
            visit.say("You have been logged out for safety. Log in to go on.", "plain")
        return visit.go(visit.login_path())

    async def on_bad_form(request: Request, error: Exception) -> Response:
        assert isinstance(error, BadForm)  # noqa: S101 - as above
        return page(request, error.status, "form" if error.status == 403 else "broken")

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)  # noqa: S101 - as above
        if error.status in (400, 404, 422):  # an address with a typo in it
            return page(request, 404, "missing")
        return page(request, error.status, "broken")

    async def on_crash(request: Request, _error: Exception) -> Response:
        return page(request, 500, "broken")

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_wrong_request)
    app.add_exception_handler(LoginNeeded, on_login_needed)
    app.add_exception_handler(BadForm, on_bad_form)
    app.add_exception_handler(RefusedError, on_refused)
    app.add_exception_handler(Exception, on_crash)
