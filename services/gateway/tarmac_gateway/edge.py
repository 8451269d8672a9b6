"""The door: what every request meets before it may pass, and every answer on its way out.

A bare ASGI callable that app.py puts around the kit's app. In this order: limits of the head,
path, CORS preflight, token, rate, permission, then proxy.py. It also puts security and CORS
headers and the request id on every answer, the kit's own routes and errors included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tarmac_gateway import headers as http_headers
from tarmac_gateway.domain import METHODS, Match, RouteTable, UnsafePathError, split_path
from tarmac_gateway.headers import RawHeaders
from tarmac_gateway.proxy import Passage, Proxy
from tarmac_gateway.settings import GatewaySettings
from tarmac_kit import deadline, trace
from tarmac_kit.addresses import client_address, household
from tarmac_kit.middleware import set_route
from tarmac_kit.problems import Problem
from tarmac_kit.ratelimit import RateLimiter
from tarmac_kit.tokens import Claims, TokenVerifier, unauthorized

MAX_HEADERS = 100
MAX_TARGET_BYTES = 8 * 1024


@dataclass(frozen=True)
class Rules:
    """What the door goes by."""

    table: RouteTable
    settings: GatewaySettings
    verifier: Callable[[], TokenVerifier]
    #: None: no limit on the requests of a client.
    limiter: RateLimiter | None


class Edge:
    """Lets requests pass to `proxy`, to `pages` (by exact path) or to `inner`, the kit's app."""

    def __init__(
        self, inner: ASGIApp, proxy: Proxy, rules: Rules, *, pages: Mapping[str, ASGIApp]
    ) -> None:
        self._inner = inner
        self._pages = pages
        self._proxy = proxy
        self._rules = rules
        self._origins = rules.settings.origins
        self._proxies = rules.settings.proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers: RawHeaders = scope["headers"]
        preflight = http_headers.is_preflight(scope["method"], headers)
        added = http_headers.cors(
            http_headers.first(headers, b"origin"), self._origins, preflight=preflight
        )
        request_id = trace.current_ids()[0]
        added += [(b"x-request-id", request_id.encode())] if request_id else []

        def answer(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                found = http_headers.for_answer(message.get("headers", ()), added)
                message = {**message, "headers": found}
            return send(message)

        try:
            await self._pass(scope, receive, answer, added, preflight=preflight)
        except Problem as problem:
            response = problem.response(instance=scope["path"])
            await response(scope, receive, answer)

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, added: RawHeaders, *, preflight: bool
    ) -> None:
        """Answer, or have it answered; `added` is what each answer has, for this to add to."""
        method: str = scope["method"]
        self._check_head(scope)
        try:
            raw, segments = split_path(scope.get("raw_path") or scope["path"].encode())
        except UnsafePathError as error:
            raise Problem(400, "unsafe_path", "The path is not accepted", str(error)) from None
        match = self._rules.table.match(raw, segments)
        if preflight and match is not None:
            set_route(scope, match.route.label)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        if match is None:
            page = self._pages.get(scope["path"])
            if page is not None:
                set_route(scope, scope["path"])
                self._count(scope, None)
            await (page or self._inner)(scope, receive, send)
            return
        set_route(scope, match.route.label)
        if method not in METHODS:
            raise Problem(405, "method_not_allowed", "The method is not accepted", method)
        added += await self._admit(scope, segments)
        named = [header for header in added if header[0] == b"x-request-id"]
        await self._proxy.forward(self._passage(scope, match, named), receive, send)

    def _check_head(self, scope: Scope) -> None:
        headers: RawHeaders = scope["headers"]
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > MAX_TARGET_BYTES:
            raise Problem(
                414,
                "target_too_long",
                "The address is too long",
                f"at most {MAX_TARGET_BYTES} bytes",
            )
        size = sum([len(key) + len(value) + 4 for key, value in headers])
        most = self._rules.settings.max_header_bytes
        if len(headers) > MAX_HEADERS or size > most:
            raise Problem(
                431,
                "headers_too_large",
                "The headers are too large",
                f"at most {MAX_HEADERS} headers of {most} bytes together",
            )

    async def _admit(self, scope: Scope, segments: tuple[str, ...]) -> RawHeaders:
        """Check token and rate. Raises 401, 429 or 503; returns the rate's headers.

        A bad token counts against its sender's address, so that guessing is slowed as well.
        """
        headers: RawHeaders = scope["headers"]
        claims: Claims | None = None
        refused: Problem | None = None
        authorization = http_headers.first(headers, b"authorization")
        if authorization is not None:
            kind, _, token = authorization.decode("latin-1").partition(" ")
            if kind.lower() == "bearer" and token.strip():
                try:
                    claims = await self._rules.verifier().verify(token.strip())
                except Problem as problem:
                    refused = problem
        is_public = self._rules.table.is_public(scope["method"], segments)
        # An attacker who guesses passwords can have any number of accounts.
        by_address = is_public and scope["method"] not in ("GET", "HEAD")
        limits = self._count(scope, None if by_address else claims)
        if claims is None and not is_public:
            raise refused or unauthorized("send Authorization: Bearer <token>", error=None)
        return limits

    def _count(self, scope: Scope, claims: Claims | None) -> RawHeaders:
        """Count a request against its token's subject, or its address. Raises 429."""
        if self._rules.limiter is None:
            return []
        if claims is not None:
            key = f"subject:{claims.subject}"
        else:
            address = client_address(_peer(scope), scope["headers"], self._proxies)
            key = f"address:{household(address)}"
        decision = self._rules.limiter.take(key)
        if not decision.allowed:
            raise decision.problem()
        told = decision.headers().items()
        return [(name.lower().encode(), value.encode()) for name, value in told]

    def _passage(self, scope: Scope, match: Match, named: RawHeaders) -> Passage:
        headers: RawHeaders = scope["headers"]
        added = http_headers.forwarded(_peer(scope), scope["scheme"], headers, self._proxies)
        traced: Mapping[str, str] = trace.inject({})
        added += [(name.encode(), value.encode()) for name, value in traced.items()]
        added += named
        return Passage(
            method=scope["method"],
            match=match,
            query=scope["query_string"],
            headers=headers,
            added=added,
            caller_s=deadline.remaining_s(),
        )


def _peer(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"
