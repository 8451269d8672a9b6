"""A control plane for these tests, without controllers and with them, and a client of it.

Skipped where none has been built.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import apiserver
import pytest
from apiserver import ControlPlane
from kube_api import Kube, client


@pytest.fixture(scope="package")
def plane(tmp_path_factory) -> Iterator[ControlPlane]:
    """Start one in which nothing happens by itself: what is applied stays as it was kept."""
    if (programs := apiserver.home()) is None:
        pytest.skip(apiserver.GET)
    with apiserver.control_plane(programs, tmp_path_factory.mktemp("plane")) as started:
        yield started


@pytest.fixture(scope="package")
def controlled(tmp_path_factory) -> Iterator[ControlPlane]:
    """Start one with controllers, which make pods, count quotas and clear namespaces."""
    if (programs := apiserver.home()) is None:
        pytest.skip(apiserver.GET)
    with apiserver.control_plane(programs, tmp_path_factory.mktemp("controlled")) as started:
        started.start_controllers()
        yield started


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[Kube]:
    """Give a client of the first that may do everything."""
    async with client(plane) as opened:
        yield opened
