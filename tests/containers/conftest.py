"""A client for these tests; the daemon and the images are docker_images.py's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client that ends with the test."""
    async with aiohttp.ClientSession() as opened:
        yield opened
