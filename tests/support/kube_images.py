"""The images of a tests' cluster as one file: its own two, and those of a system's pods."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import standins
from cluster_node import COREDNS, PAUSE
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
    return tuple({workload.image for workload in plan_of(system, environment).workloads})


def save(docker: Docker, tags: Iterable[str], file: Path) -> Path:
    """Write images into one file, each layer once."""
    docker.run("save", "--output", str(file), *sorted(set(tags)))
    return file
