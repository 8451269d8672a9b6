"""What a trace is called in a list, of which kind it is, and whether it is worth a line there.

Pure. Its first span says all of it: `queries` reads that one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

#: A name that says the method alone, as instrumentation gives it where no route matched.
_METHOD_ALONE = re.compile(r"(?:HTTP )?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|HTTP)")
_PATHS: Final = ("url.path", "http.target", "url.full", "http.url")
NO_ROUTE = "(no route)"
#: Segments of a path that are words; others are values, each of which would be a name of its own.
_WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{0,23}|v\d+")
VALUE, MOST_SEGMENTS = "{value}", 6
#: Files of a page, and what asks whether a service is well: a hundred of them for each request.
_UNINTERESTING = re.compile(
    r"/(?:static|assets|_next|node_modules)/"
    r"|\.(?:css|js|mjs|map|ico|png|jpe?g|gif|svg|webp|avif|woff2?|ttf)$"
    r"|/(?:favicon\.ico|robots\.txt|metrics|ping|livez|readyz|healthz?)(?:$|/)"
    r"|grpc\.health\.v1\.Health/",
    re.IGNORECASE,
)
#: What spans of each kind are to a user; `job` is what nothing outside the process began.
_KINDS = {"server": "request", "consumer": "message", "producer": "message", "client": "call"}
KINDS = ("request", "message", "job", "call")


def name_of(name: str, attributes: Mapping[str, Any]) -> str:
    """Return a span's name; one that says a method alone gets the shape of its path."""
    found = _METHOD_ALONE.fullmatch(name)
    if found is None:
        return name
    path = next((str(attributes[key]) for key in _PATHS if attributes.get(key)), "")
    return f"{found[1]} {shape(path) if path else NO_ROUTE}"


def shape(path: str) -> str:
    """Return a path with its values left out: `/orders/{value}` of `/orders/17?full=1`."""
    try:
        plain = urlsplit(path).path
    except ValueError:  # a host in brackets that are not closed
        return "/"
    segments = [segment for segment in plain.split("/") if segment]
    kept = [one if _WORD.fullmatch(one) else VALUE for one in segments[:MOST_SEGMENTS]]
    return "/" + "/".join([*kept, *["…"] * (len(segments) > MOST_SEGMENTS)])


def kind_of(kind: str, attributes: Mapping[str, Any]) -> str:
    """Return one of KINDS for a span's kind: of messages, producers' and consumers' alike."""
    if "messaging.system" in attributes:
        return "message"
    return _KINDS.get(kind, "job")


def is_uninteresting(name: str) -> bool:
    """Tell whether a name is that of a page's file or of a probe."""
    return _UNINTERESTING.search(name) is not None
