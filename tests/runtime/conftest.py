"""What tests of the wires, of edits and of hard ends share."""

from __future__ import annotations

import hard
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


@pytest.fixture
def stored(sandbox: Sandbox):
    """A system with stores, a seed and a service that has children of its own."""
    (sandbox.folder / "family.py").write_text(hard.FAMILY)
    (sandbox.folder / "counting.py").write_text(hard.COUNTING)
    (sandbox.folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'), ('b')")
    sandbox.write(hard.STORED)
    return sandbox
