"""What tests of the wires and of edits share."""

from __future__ import annotations

import pytest
from edited import SYSTEM, Watched
from sandbox import Sandbox
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


@pytest.fixture
def watched(sandbox: Sandbox) -> Watched:
    """The system, running."""
    made = Watched(sandbox)
    sandbox.write(SYSTEM)
    sandbox.up("--watch")
    return made
