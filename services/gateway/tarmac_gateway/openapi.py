"""One API document out of the backends' own: public paths, no name used twice.

Made by app.py, read by endpoints.py. `merge` is pure; `ApiDocument` asks the backends, keeps what
they said last and says which one is not answering. It never fails because a backend does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tarmac_gateway.connection import UpstreamError
from tarmac_gateway.domain import Route, RouteTable, UnsafePathError, public_path, split_path
from tarmac_gateway.upstream import Backend
from tarmac_kit.logs import get_logger

log = get_logger("tarmac_gateway.openapi")

OPERATIONS = ("get", "post", "put", "patch", "delete", "head", "options")
FETCH_TIMEOUT_S = 1.0
FRESH_S = 5.0
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024

_COMPONENTS = "#/components/"
_ADDED_RESPONSES = {
    "429": {"description": "Too many requests: `Retry-After` says how many seconds to wait."},
    "502": {"description": "The service behind this route is not answering."},
    "504": {"description": "The service behind this route did not answer in time."},
}

Document = dict[str, Any]


@dataclass(frozen=True)
class ServiceDocument:
    """What a service said of itself; `answering` is False when it was said earlier or never."""

    service: str
    document: Document
    answering: bool


def merge(
    table: RouteTable, documents: Sequence[ServiceDocument], *, title: str, url: str
) -> Document:
    """Merge documents into one of the paths that the routes reach.

    `x-services` lists every service and whether it answered.
    """
    paths: Document = {}
    used: dict[tuple[str, str, str], Any] = {}
    for entry in documents:
        for path, item in entry.document.get("paths", {}).items():
            for shown, route in public_path(path, entry.service, table.routes):
                if _route_of(table, shown) != route:
                    continue  # a longer prefix leads elsewhere: this path is never reached
                paths[shown] = _path_item(item, shown, route, table)
                _gather(paths[shown], entry, used)
    renamed = _names(used)
    for path, item in paths.items():
        paths[path] = _with_names(item, item["x-service"], renamed)
    components: Document = {}
    for (service, section, name), definition in sorted(used.items()):
        target = renamed[service, section, name]
        components.setdefault(section, {})[target] = _with_names(definition, service, renamed)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": url}],
        "paths": dict(sorted(paths.items(), key=lambda pair: (pair[1]["x-route"], pair[0]))),
        "components": components,
        "x-services": [
            {"name": entry.service, "answering": entry.answering} for entry in documents
        ],
    }


def _route_of(table: RouteTable, path: str) -> Route | None:
    # Templates hold braces, which a request's path must escape; they stand for a plain segment.
    try:
        raw, segments = split_path(path.replace("{", "").replace("}", "").encode())
    except UnsafePathError:
        return None
    found = table.match(raw, segments)
    return found.route if found else None


def _path_item(item: Document, path: str, route: Route, table: RouteTable) -> Document:
    shown: Document = {"x-route": route.prefix, "x-service": route.service}
    segments = tuple(path[1:].split("/"))
    for key, value in item.items():
        if key not in OPERATIONS:
            shown[key] = value
            continue
        public = table.is_public(key.upper(), segments)
        responses = {**_ADDED_RESPONSES, **value.get("responses", {})}
        if not public:
            responses.setdefault("401", {"description": "The access token is missing or invalid."})
        operation_id = value.get("operationId", f"{key}_{path}")
        shown[key] = {
            **value,
            "tags": [route.prefix],
            "operationId": f"{route.service}_{operation_id}",
            "security": [] if public else [{"bearer": []}],
            "responses": dict(sorted(responses.items())),
        }
    return shown


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
    elif isinstance(node, str) and node.startswith(_COMPONENTS):
        yield node


def _gather(node: Any, entry: ServiceDocument, used: dict[tuple[str, str, str], Any]) -> None:
    for reference in _references(node):
        section, _, name = reference.removeprefix(_COMPONENTS).partition("/")
        key = (entry.service, section, name)
        definition = entry.document.get("components", {}).get(section, {}).get(name)
        if definition is not None and key not in used:
            used[key] = definition
            _gather(definition, entry, used)


def _names(used: Mapping[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], str]:
    """Keep a component's name, unless two services mean different things by it."""
    meanings: dict[tuple[str, str], set[str]] = {}
    for (_, section, name), definition in used.items():
        meanings.setdefault((section, name), set()).add(json.dumps(definition, sort_keys=True))
    return {
        (service, section, name): (
            name if len(meanings[section, name]) == 1 else f"{service}.{name}"
        )
        for service, section, name in used
    }


def _with_names(node: Any, service: str, renamed: Mapping[tuple[str, str, str], str]) -> Any:
    if isinstance(node, dict):
        return {key: _with_names(value, service, renamed) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_names(value, service, renamed) for value in node]
    if isinstance(node, str) and node.startswith(_COMPONENTS):
        section, _, name = node.removeprefix(_COMPONENTS).partition("/")
        return f"{_COMPONENTS}{section}/{renamed.get((service, section, name), name)}"
    return node


@dataclass
class ApiDocument:
    """The merged document, fetched again when it is older than five seconds."""

    table: RouteTable
    backends: Mapping[str, Backend]
    title: str
    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    _known: dict[str, Document] = field(default_factory=dict)
    _current: tuple[float, list[ServiceDocument]] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def at(self, url: str) -> Document:
        """Return the document for readers who reach the gateway at `url`."""
        async with self._lock:
            if self._current is None or self.clock() - self._current[0] >= FRESH_S:
                found = await asyncio.gather(*map(self._ask, self.table.services))
                self._current = (self.clock(), list(found))
        return merge(self.table, self._current[1], title=self.title, url=url)

    async def _ask(self, service: str) -> ServiceDocument:
        backend = self.backends[service]
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                document = json.loads(await _fetch(backend))
        except (UpstreamError, OSError, ValueError) as error:
            log.info("document_unavailable", upstream=service, reason=repr(error))
            return ServiceDocument(service, self._known.get(service, {}), answering=False)
        if not isinstance(document, dict):
            return ServiceDocument(service, self._known.get(service, {}), answering=True)
        self._known[service] = document
        return ServiceDocument(service, document, answering=True)


async def _fetch(backend: Backend) -> bytes:
    url = f"{backend.address.url}/openapi.json"
    answer = await backend.ask("GET", b"/openapi.json", [(b"accept", b"application/json")])
    try:
        if answer.status != HTTPStatus.OK:
            raise ValueError(f"{url}: answers with {answer.status}")
        body = b""
        while chunk := await answer.readany():
            body += chunk
            if len(body) > MAX_DOCUMENT_BYTES:
                raise ValueError(f"{url}: is larger than {MAX_DOCUMENT_BYTES} bytes")
        return body
    finally:
        backend.give_back(answer)
