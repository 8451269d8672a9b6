"""What the services' tests share: real servers, and ways to start a part on them.

The servers are the kit's own fixtures, for tests that are marked `servers`. They live in
kit/tests/servers/conftest.py, which no test outside the kit can import by name.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tarmac_kit import Database, Part, create_app
from tarmac_kit_testing import (
    AUDIENCE,
    ISSUER,
    FakeBus,
    InProcess,
    running,
    static_verifier,
)

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
patient = _servers.patient


@pytest.fixture(autouse=True)
def _patient(patient: None) -> None:
    """Let requests wait longer than two seconds for a connection: a busy machine may stall."""


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


@pytest.fixture
def bus() -> FakeBus:
    """Give a broker in memory; `start` starts its parts with it."""
    return FakeBus()


@pytest.fixture
async def database_of(database_url: str) -> AsyncIterator[Callable[[str], Database]]:
    """Give a way to a part's own database, still to be opened; it is closed with the test."""
    async with AsyncExitStack() as stack:

        def build(part: str) -> Database:
            database = Database(database_url, pool_max=10)
            database.add_migrations(part, files(f"tarmac_{part}") / "migrations")
            stack.push_async_callback(database.close)
            return database

        yield build


@pytest.fixture
async def start(
    database_url: str, bus: FakeBus
) -> AsyncIterator[Callable[..., Awaitable[InProcess]]]:
    """Give a way to start parts as one process that believes the tests' tokens."""
    async with AsyncExitStack() as stack:

        async def start(*parts: Part, **environ: str) -> InProcess:
            app = create_app(
                parts,
                {"SERVICE_NAME": "svc", "DATABASE_URL": database_url, **environ},
                bus=bus,
                verifier=static_verifier(),
            )
            return await stack.enter_async_context(running(app))

        yield start


@pytest.fixture
def applied_by_two_starts(
    database_url: str, look: Callable[[], AbstractAsyncContextManager[asyncpg.Connection[Any]]]
) -> Callable[..., Awaitable[list[tuple[str, int]]]]:
    """Give a way to start a part twice on one database: every migration that was applied."""

    async def start_twice(part: Part, **environ: str) -> list[tuple[str, int]]:
        tokens = {
            "JWKS_URL": "http://127.0.0.1:9/jwks.json",
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
        }
        for _ in range(2):
            app = create_app([part], {"DATABASE_URL": database_url, **tokens, **environ})
            async with running(app):
                pass
        async with look() as connection:
            applied = await connection.fetch(
                "SELECT part, version FROM schema_migrations ORDER BY part, version"
            )
        return [(row["part"], row["version"]) for row in applied]

    return start_twice
