"""What visitors of the small shop do: they ask for the price and order, alone or many at once."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp

Visit = Callable[[], Awaitable[None]]


def journey(product: Callable[[], str]) -> Callable[[Mapping[str, str]], object]:
    @asynccontextmanager
    async def begin(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
        run, numbers = uuid.uuid4().hex[:8], itertools.count()
        async with aiohttp.ClientSession(urls["orders"]) as session:

            async def visit() -> None:
                key = f"{run}-{next(numbers)}"
                async with session.get("/price") as answer:
                    answer.raise_for_status()
                async with session.post(f"/orders/{key}", params={"product": product()}) as answer:
                    if answer.status != 409:  # sold out: that is an answer
                        answer.raise_for_status()

            yield visit

    return begin


#: In a rush there is a new product each second, and less of it than visitors.
JOURNEYS = {"buy": journey(lambda: ""), "rush": journey(lambda: f"of {int(time.time())}")}
