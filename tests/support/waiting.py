"""Wait for what nobody tells."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any


async def until(true: Callable[[], Any], timeout_s: float = 60) -> None:
    """Ask again and again until the answer, or what it is awaited for, is true."""
    async with asyncio.timeout(timeout_s):
        while True:
            answer = true()
            if inspect.isawaitable(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(0.01)
