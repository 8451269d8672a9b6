"""One cluster for these tests, with the images of their systems; skipped where there is none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cluster
import kube_images
import pytest
from cluster import Cluster
from docker_here import Docker

FOLDER = Path(__file__).parent
_CLUSTERS = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End it with the last test here: idle, it uses much of a core."""
    if nextitem is None or FOLDER not in nextitem.path.parents:
        _CLUSTERS.close()


@pytest.fixture(scope="session")
def programs() -> Path:
    """Find Kubernetes' programs, before anything is made that is of use with them alone."""
    try:
        return cluster.home()[0]
    except cluster.NoCluster as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def nodes(programs: Path, docker: Docker, tmp_path_factory) -> Cluster:
    """Start three nodes."""
    folder = tmp_path_factory.mktemp("images")
    own = kube_images.own(docker, programs, folder)
    file = kube_images.save(docker, own, folder / "own.tar")
    started = _CLUSTERS.enter_context(cluster.cluster(file))
    file.unlink()
    print(f"three nodes ready after {started.started_s:.0f} s")
    return started
