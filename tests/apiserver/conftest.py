"""A control plane for these tests, without controllers and with them, and a client of it.

Skipped where none has been built.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import apiserver
import pytest
from apiserver import ControlPlane
from kube_api import Kube, client

FOLDER = Path(__file__).parent
_PLANES = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End them with the last test here, and not with the session: idle, they use much of a core."""
    if nextitem is None or FOLDER not in nextitem.path.parents:
        _PLANES.close()


@pytest.fixture(scope="session")
def plane(tmp_path_factory) -> ControlPlane:
    """Start one in which nothing happens by itself: what is applied stays as it was kept."""
    return _start(tmp_path_factory.mktemp("plane"))


@pytest.fixture(scope="session")
def controlled(tmp_path_factory) -> ControlPlane:
    """Start one with controllers, which make pods, count quotas and clear namespaces."""
    started = _start(tmp_path_factory.mktemp("controlled"))
    started.start_controllers()
    return started


def _start(folder: Path) -> ControlPlane:
    if (programs := apiserver.home()) is None:
        pytest.skip(apiserver.GET)
    return _PLANES.enter_context(apiserver.control_plane(programs, folder))


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[Kube]:
    """Give a client of the first that may do everything."""
    async with client(plane) as opened:
        yield opened
