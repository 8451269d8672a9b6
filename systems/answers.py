"""How the people of a journey ask over HTTP: one request, one answer read whole.

Used by each system's journeys.py; knows nothing of any system.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

#: What a load repeats; one that raises has failed.
Visit = Callable[[], Awaitable[None]]


class NotServed(Exception):
    """A visitor did not get what they wanted."""


@dataclass(frozen=True)
class Answer:
    """A response: its status, its body as data, its headers, whatever their case."""

    status: int
    data: Any
    headers: Mapping[str, str]


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    token: str = "",
) -> Answer:
    """Send one request, with `token` as its bearer where the headers name none."""
    sent = dict(headers or {})
    if token:
        sent.setdefault("Authorization", f"Bearer {token}")
    async with session.request(method, url, json=body, headers=sent) as response:
        is_json = "json" in response.headers.get("Content-Type", "")
        data = await response.json(content_type=None) if is_json else await response.text()
        return Answer(response.status, data, response.headers)


def served(answer: Answer, what: str, *statuses: int) -> Any:
    """Return the data of an answer with one of these statuses, 200 without any; else NotServed."""
    if answer.status not in (statuses or (200,)):
        raise NotServed(f"{what}: {answer.status}")
    return answer.data


@asynccontextmanager
async def many_connections() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session with as many connections as there are visits under way."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session
