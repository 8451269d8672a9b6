"""The end-to-end suite of hello-dd as it stands, under Docker Compose: two of each service.

On stand-ins for the public images (`standins.STAND_IN`): Python's base, PostgreSQL and Valkey.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import suites
from composed import Composed
from rendered import plan_of

_suite = suites.suite("test_hello_dd")

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

# Its tests and what they ask for are this module's own now; only the system is another, and that is
# brought up once: what there is with one of each is the suite's own affair.
globals().update(suites.tests_of(_suite, "hello"))
ben, sam = _suite.ben, _suite.sam


@pytest.fixture(scope="module", params=[2], ids=["two of each"])
def hello(request, docker, images, tmp_path_factory) -> Iterator[Composed]:
    """Give the rehearsal of production, sown as `tarmac up` sows it."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    services = plan_of("hello-dd", "compose").services
    images.of("hello-dd")
    scale = {service.name: request.param for service in services}
    system = Composed.lay_out("hello-dd", docker, tmp_path_factory.mktemp("suite"), scale)
    try:
        system.up()
        yield system
    finally:
        system.down()
