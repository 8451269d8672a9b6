"""The API as the pages see it: one call, its answer, and what it refused.

Called by visit.py and the pages. It decides nothing about a page: what is refused is raised as
RefusedError, and what does not answer as the kit's Problem.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tarmac_kit import Client, Problem, Response

#: Seconds that an answer for all visitors is kept: a page is as fresh as it is quick to read.
KEEP_S = 2.0
#: Answers kept at most.
MOST_KEPT = 500


class RefusedError(Exception):
    """The API answered 4xx; `code` says why and `fields` which values are wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})


@dataclass(frozen=True)
class Answer:
    """A success: its status and its body as data (None when there is none)."""

    status: int
    data: Any


@dataclass
class Api:
    """All of the API, behind one address or several; `clients` is longest prefix first."""

    clients: Sequence[tuple[str, Client]]
    prefix: str = ""
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, asyncio.Future[Any]]] = field(default_factory=dict)

    def client(self, path: str) -> Client:
        """Return the client that answers `path`; LookupError when API_ROUTES has none."""
        for prefix, client in self.clients:
            if path == prefix or path.startswith(f"{prefix.rstrip('/')}/"):
                return client
        raise LookupError(f"API_ROUTES has no address for {path}; add one")

    def url(self, path: str) -> str:
        """Return the whole address of `path`, for a stream."""
        return f"{self.client(path).url}{self.prefix}{path}"

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        key: str | None = None,
        visitor: str | None = None,
    ) -> Answer:
        """Make one call; raise RefusedError for a 4xx and Problem for what failed.

        `key` is an Idempotency-Key: with one, a call that broke is tried once more. `visitor` is
        the visitor's address, for limits that the API counts by it.
        """
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if visitor is not None:
            headers["X-Forwarded-For"] = visitor
        response = await self.client(path).request(
            method,
            f"{self.prefix}{path}",
            json=json,
            params=params,
            headers=headers,
            idempotent=True if key is not None else None,
        )
        if response.ok:
            return Answer(response.status, response.json() if response.body else None)
        raise _failure(response)

    async def shown_to_all(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        visitor: str | None = None,
        keep_s: float | None = None,
    ) -> Any:
        """GET what does not depend on the visitor; within `keep_s` (KEEP_S) an answer is shared."""
        key = f"{path}?{sorted((params or {}).items())}"
        now = self.clock()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] >= (KEEP_S if keep_s is None else keep_s):
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            load = self.call("GET", path, params=params, visitor=visitor)
            kept = (now, asyncio.ensure_future(_data(load)))
            self._kept[key] = kept
            kept[1].add_done_callback(lambda done: self._forget_failure(key, done))
        # Shielded: one visitor who goes away must not end the call for the others.
        return await asyncio.shield(kept[1])

    def _forget_failure(self, key: str, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            kept = self._kept.get(key)
            if kept is not None and kept[1] is done:
                del self._kept[key]


async def _data(call: Awaitable[Answer]) -> Any:
    return (await call).data


def _failure(response: Response) -> Exception:
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    code = str(body.get("code", ""))
    if response.status >= 500 or response.status < 400:
        return Problem(
            502 if response.status < 400 else response.status,
            code or "api_failed",
            "The shop's services answered with an error",
            f"status {response.status}",
        )
    if response.status == 429:
        after = response.headers.get("retry-after", "5")
        return Problem(429, "rate_limited", "Too many requests", headers={"Retry-After": after})
    return RefusedError(
        response.status,
        code,
        str(body.get("title", "This was refused")),
        str(body.get("detail", "")),
        fields=_fields(body.get("errors")),
        extra=body,
    )


def _fields(errors: Any) -> dict[str, str]:
    """Return the first complaint about each value, by the value's name."""
    found: dict[str, str] = {}
    for error in errors if isinstance(errors, list) else ():
        steps = [str(step) for step in error.get("loc", ()) if step != "body"]
        message = str(error.get("msg", "is wrong")).removeprefix("Value error, ")
        if steps:
            found.setdefault(steps[-1], message)
    return found
