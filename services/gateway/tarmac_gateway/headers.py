"""What headers pass the gateway, and which ones it adds: security, CORS, forwarding.

Pure functions over raw header lists, called by proxy.py and edge.py for each request. The names of
a request's headers are lower case, as ASGI has them; a backend's are as it writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tarmac_kit.addresses import Networks, forwarded_hops, is_within

RawHeaders = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
#: Set by the gateway; what a client says of itself here is dropped.
_CLAIMS = frozenset(
    {
        b"expect",
        b"forwarded",
        b"host",
        b"origin",
        b"traceparent",
        b"tracestate",
        b"x-caller-token",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-original-url",
        b"x-real-ip",
        b"x-request-id",
        b"x-request-timeout-ms",
        b"x-rewrite-url",
    }
)
#: The gateway's own answer to these; a backend behind it does not decide them.
_DECIDED_HERE = frozenset({b"server", b"date", b"x-powered-by", b"x-request-id"})

_CONNECTION = len(b"connection")
_NOT_TO_BACKEND = HOP_BY_HOP | _CLAIMS
_NOT_TO_CLIENT = HOP_BY_HOP | _DECIDED_HERE

#: The names and order of helmet 8; the policy is stricter, for an API serves no page but /docs.
SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-dns-prefetch-control", b"off"),
    (b"x-download-options", b"noopen"),
    (b"x-frame-options", b"DENY"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"x-xss-protection", b"0"),
)

_SECURITY_NAMES = frozenset(name for name, _ in SECURITY)

CORS_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_REQUEST_HEADERS = b"authorization, content-type, idempotency-key, if-match, x-request-id"
CORS_EXPOSED = (
    b"etag, idempotency-replayed, link, location, ratelimit-limit, ratelimit-remaining, "
    b"ratelimit-reset, retry-after, x-cache, x-request-id"
)
CORS_MAX_AGE_S = b"600"


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first value of a request's header."""
    for key, value in headers:
        if key == name:
            return value
    return None


def _dropped(headers: Iterable[tuple[bytes, bytes]], always: frozenset[bytes]) -> frozenset[bytes]:
    """Add to what is always dropped what the header Connection names."""
    dropped = always
    for key, value in headers:
        if len(key) == _CONNECTION and key.lower() == b"connection":
            dropped |= {token.strip() for token in value.lower().split(b",")}
    return dropped


def for_backend(headers: Sequence[tuple[bytes, bytes]]) -> RawHeaders:
    """Keep what a client may say to a backend: neither hop-by-hop nor claims about itself.

    A name with an underscore is dropped too: some frameworks read X_Forwarded_For as the other.
    """
    dropped = _dropped(headers, _NOT_TO_BACKEND)
    if first(headers, b"transfer-encoding") is not None:
        dropped |= {b"content-length"}
    return [header for header in headers if header[0] not in dropped and b"_" not in header[0]]


def for_client(headers: Sequence[tuple[bytes, bytes]], *, bodiless: bool) -> RawHeaders:
    """Keep what a backend may say to a client; `bodiless` answers (204, 304) carry no length."""
    dropped = _dropped(headers, _NOT_TO_CLIENT)
    return [
        (name, value)
        for key, value in headers
        if (name := key.lower()) not in dropped
        and not name.startswith(b"access-control-")
        and not (bodiless and name == b"content-length")
    ]


def for_answer(headers: Iterable[tuple[bytes, bytes]], added: RawHeaders) -> RawHeaders:
    """Add `added`, and the security headers that an answer has not; the request id is `added`'s."""
    kept: RawHeaders = []
    given: set[bytes] = set()
    for header in headers:
        name = header[0].lower()
        if name != b"x-request-id":
            kept.append(header)
            given.add(name)
    kept += added
    if given.isdisjoint(_SECURITY_NAMES):
        kept += SECURITY
    else:
        kept += (header for header in SECURITY if header[0] not in given)
    return kept


def is_preflight(method: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    return (
        method == "OPTIONS"
        and first(headers, b"origin") is not None
        and first(headers, b"access-control-request-method") is not None
    )


def cors(origin: bytes | None, allowed: frozenset[str], *, preflight: bool) -> RawHeaders:
    """Answer an Origin: an unlisted one gets no allow header; `Vary` is always there."""
    headers: RawHeaders = [(b"vary", b"Origin")]
    if origin is None or origin.decode("latin-1").lower() not in allowed:
        return headers
    headers.append((b"access-control-allow-origin", origin))
    if preflight:
        headers += [
            (b"access-control-allow-methods", CORS_METHODS),
            (b"access-control-allow-headers", CORS_REQUEST_HEADERS),
            (b"access-control-max-age", CORS_MAX_AGE_S),
        ]
    else:
        headers.append((b"access-control-expose-headers", CORS_EXPOSED))
    return headers


def forwarded(
    peer: str,
    scheme: str,
    headers: Sequence[tuple[bytes, bytes]],
    proxies: Networks,
) -> RawHeaders:
    """Build X-Forwarded-For, -Proto and -Host; earlier ones count only from a trusted proxy."""
    proto = scheme.encode()
    host = first(headers, b"host") or b""
    hops = [peer]
    if is_within(peer, proxies):
        hops = [*forwarded_hops(headers), peer]
        claimed = first(headers, b"x-forwarded-proto")
        proto = claimed if claimed in {b"http", b"https"} else proto
        host = first(headers, b"x-forwarded-host") or host
    return [
        (b"x-forwarded-for", ", ".join(hops).encode("latin-1")),
        (b"x-forwarded-proto", proto),
        (b"x-forwarded-host", host),
    ]


def relocated(headers: RawHeaders, upstream_prefix: str, prefix: str, origin: str) -> RawHeaders:
    """Rewrite a Location that points into the backend to the public path of the same thing."""
    moved: RawHeaders = []
    for key, value in headers:
        new_value = value
        if key == b"location":
            target = value.decode("latin-1")
            path = target.removeprefix(origin)
            below = path[len(upstream_prefix) :]
            inside = path.startswith(upstream_prefix) and below[:1] in {"", "/", "?", "#"}
            if path.startswith("/") and inside:
                new_value = (prefix + path[len(upstream_prefix) :]).encode("latin-1")
        moved.append((key, new_value))
    return moved
