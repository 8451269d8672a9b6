"""The images of a tests' cluster as one file: its own two, and those of a system's pods."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import cluster_node
import kit_images
import standins
from cluster_node import COREDNS, PAUSE, Node
from docker_here import Docker
from kit_images import Images
from rendered import plan_of


def own(docker: Docker, programs: Path, scratch: Path) -> tuple[str, ...]:
    """Make what every cluster has, of programs that need nothing beside them."""
    for tag, program in ((PAUSE, "pause"), (COREDNS, "coredns")):
        root = scratch / program
        root.mkdir()
        shutil.copy(programs / program, root)
        standins.image(docker, tag, root, f'ENTRYPOINT ["/{program}"]')
    return PAUSE, COREDNS


def of(images: Images, system: str, environment: str) -> tuple[str, ...]:
    """Build what the pods of a system run, and name it."""
    images.of(system)
    plan = plan_of(system, environment)
    built = {one.image for same in kit_images.services().values() for one in same}
    for service in plan.services:
        if service.parts and service.image not in built:  # one with an extra, beside one without
            kit_images.build(images.docker, service, service.image)
    return tuple({workload.image for workload in plan.workloads})


def next_version(docker: Docker, system: str, service: str) -> str:
    """Give a service's image a second tag, under which another version of it can be deployed."""
    image = plan_of(system, "kind").workload(service).image
    tag = f"{image.partition(':')[0]}:next"
    docker.run("tag", image, tag)
    return tag


def save(docker: Docker, tags: Iterable[str], file: Path) -> Path:
    """Write images into one file, each layer once."""
    docker.run("save", "--output", str(file), *sorted(set(tags)))
    return file


def deliver(nodes: Sequence[Node], docker: Docker, tags: Iterable[str], scratch: Path) -> None:
    """Give each node images that the daemon has."""
    file = save(docker, tags, scratch / "images.tar")
    for node in nodes:
        cluster_node.bring(node, file)
    file.unlink()
