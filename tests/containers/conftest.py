"""A daemon of the tests' own, the stand-ins for base and stores' images, every service's image."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import docker_here
import kit_images
import pytest
import standins


@pytest.fixture(scope="session")
def docker(tmp_path_factory) -> Iterator[docker_here.Docker]:
    """Give a daemon with the base images."""
    scratch = tmp_path_factory.mktemp("bases")
    try:
        standins.fetch((*standins.PYTHON, *standins.SHELL, *standins.SERVER), scratch / "packages")
    except (OSError, standins.Unfetched) as error:
        pytest.skip(f"the base images' stand-ins cannot be made here: {error}")
    try:
        with docker_here.daemon() as started:
            standins.bases(started, scratch, kit_images.uv(), scratch / "packages")
            standins.stores(started, scratch, scratch / "packages")
            print(f"images {standins.STAND_IN}")
            yield started
    except docker_here.NoDocker as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def images(docker) -> dict[kit_images.Content, str]:
    """Give the tag of each service's image, by what is in it."""
    return kit_images.build_all(docker)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client that ends with the test."""
    async with aiohttp.ClientSession() as opened:
        yield opened
