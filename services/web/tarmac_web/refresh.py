"""New tokens for old ones, once: a refresh token that comes twice ends the whole login.

Called by visit.py. A browser sends several requests at a time, all with the same old cookie, so
the second request gets what the first one got: within a process by sharing the call, between
processes through the cache, where one is bound. It never logs a token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tarmac_kit import Cache
from tarmac_web.api import Api
from tarmac_web.session import Seal

#: Seconds that requests with the old cookie may still come in after the first of them.
KEEP_S = 60.0


@dataclass
class Refresher:
    """Exchanges refresh tokens."""

    api: Api
    seal: Seal
    cache: Cache | None = None
    clock: Callable[[], float] = time.monotonic
    _calls: dict[str, tuple[float, asyncio.Future[dict[str, Any]]]] = field(default_factory=dict)

    async def renew(self, refresh_token: str, *, visitor: str | None = None) -> dict[str, Any]:
        """Return new tokens as the API gave them; RefusedError when the login has ended.

        `visitor` is the visitor's address, for limits that the API counts by it.
        """
        name = hashlib.sha256(refresh_token.encode()).hexdigest()
        now = self.clock()
        self._forget(now)
        call = self._calls.get(name)
        if call is None or _failed(call[1]):
            call = (now, asyncio.ensure_future(self._exchange(name, refresh_token, visitor)))
            self._calls[name] = call
        # Shielded: a visitor who goes away must not lose the tokens for the next request.
        return await asyncio.shield(call[1])

    async def _exchange(self, name: str, refresh_token: str, visitor: str | None) -> dict[str, Any]:
        async def load() -> str:
            body = {"refresh_token": refresh_token}
            answer = await self.api.call("POST", "/users/refresh", json=body, visitor=visitor)
            # The moment itself: a request that reads the cache has less time left.
            ends_at = time.time() + float(answer.data["expires_in"])
            return self.seal.close({**answer.data, "ends_at": ends_at})

        if self.cache is None:
            sealed = await load()
        else:
            sealed = await self.cache.remember(f"refresh:{name}", load, ttl_s=KEEP_S)
        opened: dict[str, Any] = self.seal.open(sealed, max_age_s=2 * KEEP_S)
        return {**opened, "expires_in": opened["ends_at"] - time.time()}

    def _forget(self, now: float) -> None:
        for name, (at, call) in list(self._calls.items()):
            if call.done() and now - at > KEEP_S:
                del self._calls[name]


def _failed(call: asyncio.Future[Any]) -> bool:
    return call.done() and (call.cancelled() or call.exception() is not None)
