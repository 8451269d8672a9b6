"""Answers requests: each type of request has one handler."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tarmac.base.errors import TarmacError
from tarmac.run.local.supervisor import typed_json
from tarmac.run.local.supervisor.requests import Request, verb_of
from tarmac.run.local.supervisor.responses import failure_line, success_line

AnyRequest = TypeVar("AnyRequest", bound=Request[Any])
Handle = Callable[[Any], Awaitable[Any]]


class Handlers:
    """The handlers of one connection, by type of request."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[type[Request[Any]], Handle]] = {}

    def on(self, kind: type[AnyRequest], handle: Callable[[AnyRequest], Awaitable[object]]) -> None:
        """Register what answers a type of request."""
        self._known[verb_of(kind)] = (kind, handle)

    @property
    def kinds(self) -> tuple[type[Request[Any]], ...]:
        """The types of request that are answered."""
        return tuple(kind for kind, _ in self._known.values())

    def read(self, line: bytes) -> Request[Any]:
        """Read a request. Raises TarmacError where it has another form."""
        data = json.loads(line)
        if not isinstance(data, dict) or not isinstance(verb := data.get("verb"), str):
            raise TarmacError('request: not an object with a verb; send {"verb": "..."}')
        if verb not in self._known:
            raise TarmacError(f"unknown verb '{verb}'")
        try:
            request: Request[Any] = typed_json.read(self._known[verb][0], data, f"request '{verb}'")
        except typed_json.Unfit as error:
            raise TarmacError(str(error)) from None
        return request

    async def answer(self, request: Request[Any]) -> bytes:
        """Carry a request out, and write the line that answers it.

        Raises:
            TarmacError, OSError: it cannot be done.
        """
        _, handle = self._known[verb_of(type(request))]
        return success_line(await handle(request))


def failure(error: Exception, where: str = "") -> bytes:
    """Write the line that answers a failure; an unexpected error goes to the log, too.

    Args:
        where: what to say of such an error besides.
    """
    if isinstance(error, TarmacError | OSError):
        return failure_line(error)
    traceback.print_exc()
    what = f"the supervisor failed ({type(error).__name__}: {error}){where}"
    return failure_line(TarmacError(what))
