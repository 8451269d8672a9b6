"""Access to the dashboard: for browsers of this machine that opened the link which `up` prints.

The link's token becomes a cookie. Requests by another host's name are refused, since a page of the
web could have that name point here; what is sent by other origins, too.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tarmac.base.loopback import host_problem

TOKEN = "token"  # noqa: S105 - its name
#: Methods that change nothing: a browser names no origin where a page asks its own server by them.
SAFE = frozenset({"GET", "HEAD"})
#: Scripts and styles are the dashboard's own files; nothing is loaded from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """The token of one namespace's dashboard, and the cookie that holds it."""

    token: str
    #: Named after the port: cookies are a host's, not a port's.
    cookie: str

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is not let in; None for one that is."""
        if (refused := host_refusal(request)) is not None:
            return refused
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.url.netloc}"
        if origin not in ((own, None) if request.method in SAFE else (own,)):
            return PlainTextResponse("pages of other origins may not send requests here\n", 403)
        given = request.query_params.get(TOKEN)
        if given is not None and self._is_token(given):
            return self._admitted(request)
        if self._is_token(request.cookies.get(self.cookie, "")):
            return None
        return PlainTextResponse("open the link that `tarmac up` prints: it has the token\n", 401)

    def _admitted(self, request: Request) -> Response:
        answer = RedirectResponse(request.url.path, 303)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
        return answer

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def host_refusal(request: Request) -> Response | None:
    """Return the answer to a request by a name that is not this machine's own; else None."""
    problem = host_problem(request.headers.getlist("host"))
    return None if problem is None else PlainTextResponse(f"{problem[1]}\n", problem[0])
