"""trading under Docker Compose, for development and as the rehearsal of production: one image.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import time
from pathlib import Path

import kit_images
import pytest
from composed import Compose, laid_out
from docker_here import Docker
from rendered import plan_of

pytestmark = [pytest.mark.containers, pytest.mark.timeout(500)]

PLAN = plan_of("trading", "compose")
#: The file that makes it the one or the other, beside what both have.
MODES = ("compose.override.yaml", "compose.prod.yaml")
CLOSED = "compose.closed.yaml"
UP_WITHIN_S = 180.0


def started(docker: Docker, folder: Path, mode: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Bring it up with secrets of its own until it is healthy; give each image and variables."""
    compose = Compose(docker, laid_out("trading", folder), ("compose.yaml", mode, CLOSED))
    # Nobody asks from outside, and the numbers may be taken here.
    lines = [f"  {workload.name}: {{ports: !override []}}\n" for workload in PLAN.workloads]
    (compose.folder / CLOSED).write_text(f"services:\n{''.join(lines)}")
    try:
        compose("up", "--detach", "--no-build", profiles="all")
        end = time.monotonic() + UP_WITHIN_S
        while len(states := compose.state()) < len(PLAN.workloads) or {*states.values()} != {
            "healthy"
        }:
            assert time.monotonic() < end, states
            time.sleep(0.5)
        found = {}
        for service in PLAN.services:
            (container,) = compose.containers(service.name)
            variables = dict(line.split("=", 1) for line in container["Config"]["Env"])
            found[service.name] = (container["Image"], variables)
        return found
    finally:
        compose("--profile", "all", "down", "--volumes", "--timeout", "1")


def test_one_image_starts_in_both_environments_by_its_variables_alone(docker, images, tmp_path):
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    images.of("trading")
    for service in PLAN.services:
        kit_images.build(docker, service, service.image)  # with its extra, as each of them has one
    developed, rehearsed = (started(docker, tmp_path / mode, mode) for mode in MODES)
    for service, (image, variables) in developed.items():
        same, others = rehearsed[service]
        assert image == same, service
        assert variables.keys() == others.keys(), service
    for service in ("portfolio-service", "market-service", "user-service"):
        variables, others = developed[service][1], rehearsed[service][1]
        changed = {name for name, value in variables.items() if others[name] != value}
        assert any(name.endswith("URL") for name in changed), service
