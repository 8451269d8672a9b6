"""What the tests of whole systems share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client that ends with the test."""
    async with aiohttp.ClientSession() as opened:
        yield opened
