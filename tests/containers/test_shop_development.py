"""The shop's file for development under Docker Compose, as it is rendered: every port is open.

On stand-ins for the public images (`standins.STAND_IN`). The ports are the roadmap's own numbers,
on loopback: a machine where one of them is taken skips this.
"""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator

import pytest
from composed import Compose, laid_out
from rendered import plan_of

pytestmark = [pytest.mark.containers, pytest.mark.timeout(400)]

PLAN = plan_of("shop", "compose")
#: Those that the roadmap's own file has.
PORTS = (3000, 3001, 8000, 3003, 3004, 6379, 5672, 15672)
#: Emails leave by the cloud's server, and here is none: it says that it is not ready.
NO_MAIL = "notification-service"
UP_WITHIN_S = 180.0


@pytest.fixture(scope="module")
def developed(docker, images, tmp_path_factory) -> Iterator[Compose]:
    """Bring all of it up by one command."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    images.of("shop")
    compose = Compose(docker, laid_out("shop", tmp_path_factory.mktemp("shop")))
    published = compose.published()
    assert published >= set(PORTS)
    if taken := [port for port in sorted(published) if is_open(port)]:
        pytest.skip(f"something else listens on {', '.join(map(str, taken))}")
    try:
        compose("up", "--detach", "--no-build", profiles="all")
        yield compose
    finally:
        compose("--profile", "all", "down", "--volumes", "--timeout", "1")


def is_open(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(2)
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_all_of_it_is_up_with_the_roadmaps_ports_and_nothing_was_restarted(developed):
    end = time.monotonic() + UP_WITHIN_S
    while True:
        states = developed.state()
        waiting = {name for name, state in states.items() if state not in ("healthy", "")}
        if waiting <= {NO_MAIL} and len(states) >= len(PLAN.workloads):
            break
        assert time.monotonic() < end, states
        time.sleep(0.5)
    assert len(PLAN.workloads) > 12
    for workload in PLAN.workloads:
        (container,) = developed.containers(workload.name)
        assert container["State"]["Running"], workload.name
        assert container["RestartCount"] == 0, workload.name
    assert [port for port in PORTS if not is_open(port)] == []
    for port in (3000, 3001, 8000, 3003, 3004):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
            assert answer.status == 200, port
