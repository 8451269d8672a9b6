"""A control plane with a scheduler and controllers, into which Karpenter puts nodes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import apiserver
import karpenter
import pytest
from apiserver import HOST, ControlPlane
from kube_api import Kube, client

FOLDER = Path(__file__).parent
_PLANES = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End it with the last test here."""
    if nextitem is None or FOLDER not in nextitem.path.parents:
        _PLANES.close()


@pytest.fixture(scope="session")
def folder() -> Path:
    """Find Karpenter."""
    return karpenter.home()


@pytest.fixture(scope="session")
def plane(tmp_path_factory, folder) -> ControlPlane:
    """Start a control plane with controllers and a scheduler."""
    if (programs := apiserver.home()) is None:
        pytest.skip(apiserver.GET)
    place = tmp_path_factory.mktemp("plane")
    started = _PLANES.enter_context(apiserver.control_plane(programs, place))
    started.start_controllers()
    started.start(
        "kube-scheduler",
        kubeconfig=started.kubeconfig,
        leader_elect="false",
        bind_address=HOST,
        secure_port=0,
    )
    return started


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[Kube]:
    """Give a client that may do everything."""
    async with client(plane) as opened:
        yield opened
