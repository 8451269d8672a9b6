"""The starter, with each of its services crashed at every step of what a user does.

TARMAC_CRASH_ALL=1 .venv/bin/pytest -s tests/crash/test_starter.py      every step; else a sample
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from crashed import ALL, kinds_of
from crashed_starter import ORDER, STARTER, USER

from tarmac_kit.documents.postgres import PostgresCollection
from tarmac_kit_testing import Journey, World, crashing

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600 if ALL else 120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def starter(server_url: str) -> AsyncIterator[World]:
    """Give the starter's services, running."""
    async with crashing(server_url, STARTER.hosted()) as world:
        yield world


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("journey", "service"),
    [(USER, "user-service"), (ORDER, "order-service")],
    ids=lambda value: getattr(value, "name", value),
)
async def test_no_crash_loses_or_doubles_a_user_or_an_order(
    starter: World, journey: Journey, service: str
) -> None:
    [report] = await STARTER.crash(starter, journey, service)
    assert report.ok
    assert report.crashes > 0


def without_unique_fields() -> None:
    """Let documents with the same address stand beside each other."""
    statements = PostgresCollection.statements.fget
    PostgresCollection.statements = property(  # type: ignore[method-assign,assignment]
        lambda self: tuple(statement.replace("UNIQUE ", "") for statement in statements(self))
    )


async def test_the_crashes_find_that_an_address_is_not_unique(server_url: str) -> None:
    async with crashing(server_url, STARTER.hosted(without_unique_fields), rest_s=3) as world:
        [report] = await STARTER.crash(world, USER, "user-service", only='INTO "users"')
    assert kinds_of([report])["doubled"] > 0
