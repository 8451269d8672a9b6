"""What the tests of the wires share."""

from __future__ import annotations

import pytest
from wired import Process, servers


@pytest.fixture
def process():
    """A wires' process; it ends with its supervisor's end, without a complaint."""
    made = Process()
    yield made
    made.close()


@pytest.fixture
async def serve():
    """A function that starts a server; all of them end with the test."""
    async with servers() as start:
        yield start
