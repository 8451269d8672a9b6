"""Real servers for the services' tests that are marked `servers`: the kit's own fixtures.

They live in kit/tests/servers/conftest.py, which no test outside the kit can import by name.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

_PATH = Path(__file__).parents[1] / "kit" / "tests" / "servers" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("tarmac_kit_test_servers", _PATH)
assert _SPEC is not None  # noqa: S101 - for mypy; the file is there
assert _SPEC.loader is not None  # noqa: S101 - as above
_servers = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _servers  # dataclasses look their module up
_SPEC.loader.exec_module(_servers)

postgres = _servers.postgres
database_url = _servers.database_url
nats = _servers.nats
valkey = _servers.valkey


@pytest.fixture
def look(database_url: str) -> Callable[[], AbstractAsyncContextManager[asyncpg.Connection[Any]]]:
    """Give a way to look into the test's database past the service."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[asyncpg.Connection[Any]]:
        connection = await asyncpg.connect(database_url)
        try:
            yield connection
        finally:
            await connection.close()

    return connect
