"""The journey of a system without one: each public service is asked for its front page.

Any answer is a good one unless it says that the server failed. It knows nothing of what the
system's users do: a journey of its own says more.
"""

from __future__ import annotations

import asyncio
import http.client
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

NAME = "front-pages"
FAILED = 500
ANSWER_S = 10.0
#: Requests under way at once: what waits for a service that hangs keeps none from the others.
MOST_OPEN = 200


@asynccontextmanager
async def front_pages(urls: Mapping[str, str]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Give a function that asks each of those once that answer HTTP now.

    Raises:
        RuntimeError: none of them does.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(MOST_OPEN) as pool:
        asked = [(url, loop.run_in_executor(pool, _ask, url)) for url in sorted(set(urls.values()))]
        served = [url for url, status in asked if await status < FAILED]
        if not served:
            raise RuntimeError("no public service answers GET / without an error; write a journey")

        async def visit() -> None:
            statuses = [loop.run_in_executor(pool, _ask, url) for url in served]
            for url, status in zip(served, await asyncio.gather(*statuses), strict=True):
                if status >= FAILED:
                    raise RuntimeError(f"{url}/: {status}")

        yield visit


def _ask(url: str) -> int:
    """Ask for a front page; returns its status, and that of a server that failed for no answer."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=ANSWER_S)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return FAILED
    else:
        return answer.status
    finally:
        connection.close()


JOURNEYS = {NAME: front_pages}
