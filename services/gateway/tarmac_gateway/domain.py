"""Routes, public routes and paths: what the gateway may reach, decided without any I/O.

Read by app.py (parsing at start) and proxy.py (one look-up per request). It never opens a
connection and never decodes a path for forwarding: what was matched is what is sent on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_SERVICE = re.compile(r"[a-z][a-z0-9-]*\Z")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+\Z")
_UPSTREAM = re.compile(r"(/[A-Za-z0-9._~-]+)*/?\Z")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
#: Nearly every path: no escapes and no segment that begins with a dot, so nothing to look into.
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?\Z")
#: An escape of `.`, `/`, `\` or `%` that is left after one decoding: a backend that decodes twice
#: would see a path other than the one that was matched here.
_ESCAPED_TWICE = re.compile(r"%(2[eEfF5]|5[cC])")


class UnsafePathError(ValueError):
    """The path could mean different things to the gateway and to a backend."""


@dataclass(frozen=True)
class Route:
    """A public prefix and the service and upstream prefix that it stands for."""

    prefix: str
    service: str
    upstream: str

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.prefix.strip("/").split("/"))

    @property
    def label(self) -> str:
        """The route's name in metrics and logs: bounded, whatever clients send."""
        return f"{self.prefix}/*"


@dataclass(frozen=True)
class PublicRoute:
    """A method and path that needs no token.

    `*` stands for one segment; as the last segment, for one or more.
    """

    method: str
    segments: tuple[str, ...]

    def covers(self, method: str, segments: Sequence[str]) -> bool:
        if self.method != method and not (method == "HEAD" and self.method == "GET"):
            return False
        longer = len(segments) - len(self.segments)
        if longer != 0 and not (longer > 0 and self.segments[-1] == "*"):
            return False
        # A `*` needs something to stand for: /products/ is not /products/{id}.
        for wanted, given in zip(self.segments, segments, strict=False):
            if wanted != given and (wanted != "*" or given == ""):
                return False
        return True


class Match(NamedTuple):
    """A route and the raw rest of the path below its prefix ("" or "/a/b")."""

    route: Route
    rest: str

    @property
    def upstream_path(self) -> str:
        return (self.route.upstream + self.rest) or "/"


@dataclass(frozen=True)
class RouteTable:
    """All routes, longest prefix first, and the public ones."""

    routes: tuple[Route, ...]
    public: tuple[PublicRoute, ...]

    def match(self, raw: Sequence[str], segments: Sequence[str]) -> Match | None:
        """Find the longest prefix.

        `raw` are the segments as they came, `segments` the same decoded (see `split_path`).
        """
        for route in self.routes:
            wanted = route.segments
            if tuple(segments[: len(wanted)]) == wanted:
                below = raw[len(wanted) :]
                return Match(route, "/" + "/".join(below) if below else "")
        return None

    def is_public(self, method: str, segments: Sequence[str]) -> bool:
        return any(route.covers(method, segments) for route in self.public)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sorted(route.service for route in self.routes)))


def split_path(raw_path: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a request path into its raw and its decoded segments.

    Raises UnsafePathError for everything that a backend could read as another path: dot segments
    (escaped or not, with `;parameters` or not), escaped slashes and backslashes, empty inner
    segments, escapes of escapes, control characters, bytes that are no UTF-8.
    """
    if _PLAIN.match(raw_path):
        plain = tuple(raw_path[1:].decode("ascii").split("/"))
        return plain, plain
    if not raw_path.startswith(b"/"):
        raise UnsafePathError("the path does not begin with a slash")
    if _BAD_ESCAPE.search(raw_path):
        raise UnsafePathError("the path holds a % that is no escape")
    if any(byte <= 0x20 or byte >= 0x7F for byte in raw_path):
        raise UnsafePathError("the path holds bytes that must be escaped")
    raw = raw_path[1:].decode("ascii").split("/")
    decoded = []
    for position, part in enumerate(raw):
        try:
            segment = unquote_to_bytes(part).decode("utf-8")
        except UnicodeDecodeError:
            raise UnsafePathError("the path is not UTF-8") from None
        if segment == "" and position != len(raw) - 1:
            raise UnsafePathError("the path holds an empty segment")
        if segment.partition(";")[0] in {".", ".."}:
            raise UnsafePathError("the path holds a dot segment")
        if "/" in segment or "\\" in segment:
            raise UnsafePathError("the path holds an escaped slash or a backslash")
        if _ESCAPED_TWICE.search(segment):
            raise UnsafePathError("the path holds an escape of an escape")
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in segment):
            raise UnsafePathError("the path holds a control character")
        decoded.append(segment)
    return tuple(raw), tuple(decoded)


def parse_routes(text: str, public: str = "") -> RouteTable:
    """Read ROUTES and PUBLIC_ROUTES.

    ROUTES is `/api/orders=order-service/orders`, separated by blanks or commas; PUBLIC_ROUTES is
    `GET /api/products, POST /api/users/login`, separated by commas. Raises ValueError with a
    line for every entry that is wrong.
    """
    errors: list[str] = []
    routes: dict[str, Route] = {}
    for entry in text.replace(",", " ").split():
        prefix, equals, target = entry.partition("=")
        service, slash, rest = target.partition("/")
        upstream = slash + rest
        if not equals or not _PREFIX.match(prefix) or _has_dots(prefix):
            errors.append(f"ROUTES: '{entry}' has no public prefix; write /prefix=service/path")
        elif not _SERVICE.match(service):
            errors.append(f"ROUTES: '{entry}' names no service; write /prefix=service/path")
        elif not _UPSTREAM.match(upstream) or _has_dots(upstream):
            errors.append(f"ROUTES: '{entry}' has a bad upstream path '{upstream}'")
        elif prefix in routes:
            errors.append(f"ROUTES: '{prefix}' is given twice; keep one")
        else:
            routes[prefix] = Route(prefix, service, upstream.rstrip("/"))
    if not routes and not errors:
        errors.append("ROUTES: no route is given; write /prefix=service/path")
    open_routes = []
    for entry in filter(None, (part.strip() for part in public.split(","))):
        method, _, path = entry.partition(" ")
        if method.upper() not in METHODS or not path.strip().startswith("/"):
            errors.append(f"PUBLIC_ROUTES: '{entry}' is not METHOD /path; write GET /api/things/*")
            continue
        segments = tuple(path.strip()[1:].split("/"))
        if not any(_reaches(route.segments, segments) for route in routes.values()):
            errors.append(f"PUBLIC_ROUTES: '{entry}' is below no route; correct it or drop it")
        open_routes.append(PublicRoute(method.upper(), segments))
    if errors:
        raise ValueError("\n".join(errors))
    ordered = sorted(routes.values(), key=lambda route: (-len(route.segments), route.prefix))
    return RouteTable(tuple(ordered), tuple(open_routes))


def env_name(service: str) -> str:
    """Name a service as environment variables do: order-service -> ORDER_SERVICE."""
    return service.upper().replace("-", "_")


def public_path(path: str, service: str, routes: Iterable[Route]) -> list[tuple[str, Route]]:
    """List the public paths under which a service's own path is reached, with their routes."""
    found = []
    for route in routes:
        below = path[len(route.upstream) :]
        under = path.startswith(route.upstream) and below[:1] in {"", "/"}
        if route.service == service and under:
            found.append((route.prefix + (below if below != "/" else ""), route))
    return found


def _has_dots(path: str) -> bool:
    return any(part in {".", ".."} for part in path.split("/"))


def _reaches(prefix: Sequence[str], segments: Sequence[str]) -> bool:
    return len(segments) >= len(prefix) and all(
        given in {wanted, "*"} for wanted, given in zip(prefix, segments, strict=False)
    )
