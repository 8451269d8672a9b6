"""Fixtures of tests with containers: a daemon of theirs, stand-ins, and every service's image."""

from __future__ import annotations

from collections.abc import Iterator

import docker_here
import kit_images
import pytest
import standins


@pytest.fixture(scope="session")
def docker(tmp_path_factory) -> Iterator[docker_here.Docker]:
    """Give a daemon with the base images."""
    try:
        with docker_here.daemon(docker_here.kept()) as started:
            try:
                standins.provide(started, tmp_path_factory.mktemp("bases"), kit_images.uv())
            except (OSError, standins.Unfetched) as error:
                pytest.skip(f"the base images' stand-ins cannot be made here: {error}")
            print(f"images {standins.STAND_IN}")
            yield started
    except docker_here.NoDocker as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def images(docker) -> kit_images.Images:
    """Give the services' images, which are built when they are asked for."""
    return kit_images.Images(docker)
