"""Around every answer: the policy of the pages, and the visitor's cookies.

Put around FastAPI's app by app.py. It reads no body and never buffers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tarmac_kit import problems
from tarmac_kit.conventions import METRICS_PATH
from tarmac_kit.middleware import ASGIApp, Event, Receive, Scope, Send
from tarmac_web.visit import SCOPE_KEY, Visit

#: Everything is from here, and no script or style stands in a page itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def around(*, secure: bool) -> Callable[[ASGIApp], ASGIApp]:
    """Return what puts headers and cookies on the answers of an app."""
    fixed = (*_HEADERS, _HSTS) if secure else _HEADERS

    def wrap(app: ASGIApp) -> ASGIApp:
        def call(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] != "http":
                return app(scope, receive, send)
            if scope["method"] == "HEAD":  # the server leaves the body out
                scope = {**scope, "method": "GET"}

            def answer(event: Event) -> Awaitable[None]:
                if event["type"] == "http.response.start":
                    headers = [*event.get("headers", ())]
                    given = {name.lower() for name, _ in headers}
                    headers += [pair for pair in fixed if pair[0] not in given]
                    visit = scope.get(SCOPE_KEY)
                    if isinstance(visit, Visit):
                        lines = visit.cookie_lines()
                        headers += [(b"set-cookie", line.encode("latin-1")) for line in lines]
                    event = {**event, "headers": headers}
                return send(event)

            if scope["path"] == METRICS_PATH and _passed_on(scope):
                missing = problems.from_status(404).response(instance=METRICS_PATH)
                return missing(scope, receive, answer)
            return app(scope, receive, answer)

        return call

    return wrap


def _passed_on(scope: Scope) -> bool:
    """Return whether a request came by a proxy: to these pages every path of their host does."""
    return any(name.lower() == b"x-forwarded-for" for name, _ in scope["headers"])
