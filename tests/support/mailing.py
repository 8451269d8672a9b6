"""What tests read in a mail sink, by the link that `up` prints of its page."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

import aiohttp

PATIENCE_S = 30


async def emails(
    link: str, session: aiohttp.ClientSession, to: str, count: int, *, begin: str = "Your "
) -> list[dict[str, Any]]:
    """Wait until so many emails to one address are there; return them, newest first.

    Those whose subject begins so count: of orders and bookings, if it is not said.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        address = f"{link.replace('/?', '/messages?')}&to={quote(to)}"
        async with session.get(address) as answer:
            found = [one for one in await answer.json() if one["subject"].startswith(begin)]
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"{len(found)} emails to {to}, not {count}"
        await asyncio.sleep(0.1)
