"""Which requests reach a service's routes: not another site's, and not an unknown service's.

Put around the app by `create_app`, inside log and metrics. It looks at a request's head alone and
costs one pass over the headers; only a token with an unknown key waits, for the keys.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from tarmac_kit.callers import HEADER_NAME, UNSAFE_METHODS, CallerCheck
from tarmac_kit.middleware import ASGIApp, Receive, Scope, Send
from tarmac_kit.problems import Problem

#: What a page of another site cannot send without asking first (a CORS preflight).
JSON = "application/json"
ANY_TYPE = "*/*"
_READ = frozenset(
    {HEADER_NAME, b"origin", b"host", b"content-type", b"content-length", b"transfer-encoding"}
)


class CrossOrigin:
    """Refuses what a page of another site makes a browser send.

    Without a preflight it may send an unsafe request of the types that forms have, and its answer
    is kept from the page, but not its effect (https://fetch.spec.whatwg.org/#http-cors-protocol).
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        #: Origins besides the service's own, in lower case.
        self.allowed = {origin.lower() for origin in allowed}
        #: Media types of bodies besides JSON.
        self.media_types: set[str] = set()

    def refusal(self, headers: dict[bytes, bytes]) -> Problem | None:
        """Return the 403 or 415 for an unsafe request; None when it may pass."""
        origin = headers.get(b"origin")
        if origin is not None and not self._is_own(origin, headers.get(b"host", b"")):
            shown = origin[:100].decode("latin-1")
            return Problem(
                403, "foreign_origin", "Pages of another origin change nothing here", shown
            )
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        if has_body and ANY_TYPE not in self.media_types:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            kind = kind.partition(";")[0].strip().lower()
            if kind != JSON and not kind.endswith("+json") and kind not in self.media_types:
                expected = ", ".join([JSON, *sorted(self.media_types)])
                return Problem(
                    415,
                    "unsupported_media_type",
                    "The body's type is not accepted",
                    f"content-type is '{kind[:100]}'; send {expected}",
                )
        return None

    def _is_own(self, origin: bytes, host: bytes) -> bool:
        text = origin.decode("latin-1").lower()
        return text.partition("://")[2] == host.decode("latin-1").lower() or text in self.allowed


def admit(app: ASGIApp, cross_origin: CrossOrigin, callers: CallerCheck) -> ASGIApp:
    """Put both checks before `app`."""

    def admitted(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return app(scope, receive, send)
        headers: dict[bytes, bytes] = {
            name: value for name, value in scope["headers"] if name in _READ
        }
        if callers.enforced and callers.lacks_key(headers.get(HEADER_NAME)):
            return later(headers, scope, receive, send)
        return judged(headers, scope, receive, send)

    async def later(
        headers: dict[bytes, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        await callers.fetch_key(headers[HEADER_NAME])
        await judged(headers, scope, receive, send)

    def judged(
        headers: dict[bytes, bytes], scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        refused = None
        if callers.enforced:
            refused = callers.refusal(scope, headers.get(HEADER_NAME))
        if refused is None and scope["method"] in UNSAFE_METHODS:
            refused = cross_origin.refusal(headers)
        if refused is not None:
            return refused.response(instance=scope["path"])(scope, receive, send)
        return app(scope, receive, send)

    return admitted
