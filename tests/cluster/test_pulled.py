"""Images of the services of four systems, pulled by the nodes under the names of production.

The registry is Debian's, in the place of AWS's, and stand-ins are for the public images
(`standins.STAND_IN`). The nodes have none of these images before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cluster_registry
import image_registry
import kube_images
import pytest
from cluster import Cluster
from docker_here import Docker
from image_registry import Registry
from kit_images import Images
from kube_trees import namespace
from rendered import plan_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE = "pulled"
SYSTEMS = {"starter": "production", "shop": "production", "trading": "production", "travel": "prod"}


@dataclass(frozen=True)
class Named:
    """The images of a system's services."""

    registry: str
    #: Below the registry, each with its tag, by service.
    repositories: dict[str, tuple[str, str]]
    #: What the daemon has of each.
    built: dict[str, str]


@pytest.fixture(scope="module")
def registry(nodes: Cluster, tmp_path_factory) -> Registry:
    """Start a registry beside the nodes."""
    programs = image_registry.home()
    if programs is None:
        pytest.skip(image_registry.GET)
    return cluster_registry.begin(nodes, programs, tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def space(nodes: Cluster) -> Iterator[str]:
    """Make a namespace."""
    nodes.apply([namespace(SPACE, {})])
    yield SPACE
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture(params=SYSTEMS)
def named(request, images: Images) -> Named:
    """Build a system's services, and say what production calls them."""
    kube_images.of(images, request.param, "compose")
    here = {one.name: one.image for one in plan_of(request.param, "compose").services}
    there = {
        one.name: one.image
        for one in plan_of(request.param, SYSTEMS[request.param]).services
        if one.parts and one.name in here
    }
    hosts = {image.partition("/")[0] for image in there.values()}
    (host,) = hosts
    assert ".dkr.ecr." in host
    names = {name: image.partition("/")[2].rpartition(":") for name, image in there.items()}
    pushed = {name: (repository, tag) for name, (repository, _, tag) in names.items()}
    return Named(host, pushed, {name: here[name] for name in there})


def pod(name: str, image: str) -> dict[str, object]:
    """Write a pod that starts the image's Python and ends."""
    container = {"name": "it", "image": image, "command": ["python3", "-c", "print('here')"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


def test_a_tag_that_was_pushed_is_pulled_by_the_cluster(
    nodes: Cluster, docker: Docker, registry: Registry, space: str, named: Named
):
    cluster_registry.stand_in(nodes, registry, named.registry)
    assert len({repository for repository, _ in named.repositories.values()}) == len(named.built)
    for service, (repository, tag) in named.repositories.items():
        cluster_registry.push(registry, docker, named.built[service], repository, tag)
        assert registry.tags(repository) == [tag]
    pods = [
        pod(repository.replace("/", "-"), f"{named.registry}/{repository}:{tag}")
        for repository, tag in named.repositories.values()
    ]
    nodes.apply(pods)
    names = [f"pod/{one['metadata']['name']}" for one in pods]
    nodes.kubectl(
        "wait", *names, f"--namespace={space}",
        "--for=jsonpath={.status.phase}=Succeeded", "--timeout=200s",
    )  # fmt: skip
    events = nodes.read("events", f"--namespace={space}")["items"]
    told = [one["message"] for one in events if one["reason"] == "Pulled"]
    for repository, tag in named.repositories.values():
        assert any(f"{repository}:{tag}" in text and "ulled image" in text for text in told), told


def test_a_tag_that_was_not_pushed_is_not_pulled(nodes: Cluster, registry: Registry, space: str):
    name = "999999999999.dkr.ecr.us-east-1.amazonaws.com"
    cluster_registry.stand_in(nodes, registry, name)
    nodes.apply([pod("absent", f"{name}/starter/user-service:never")])
    nodes.kubectl(
        "wait", "pod/absent", f"--namespace={space}", "--timeout=100s",
        "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff",
    )  # fmt: skip
