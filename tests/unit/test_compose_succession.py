"""What a release of Compose replaces without a gap, before the rest is brought up at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tarmac.run.compose import containers as c
from tarmac.run.compose.containers import Container
from tarmac.run.compose.release import BASE, Release
from tarmac.run.compose.succession import Steps, can_overlap, planned

SERVICES = {"entry", "orders", "stock"}
FILE: dict[str, Any] = {
    "entry": {"ports": ["127.0.0.1:80:80"], "depends_on": {"orders": {}}},
    "orders": {"depends_on": {"db": {}, "stock": {}}},
    "stock": {"depends_on": {"db": {}}},
    "db": {"volumes": ["data:/data"]},
}
NOW = dict.fromkeys(FILE, "now")


def container(service: str, digest: str = "before", **said: Any) -> Container:
    """Make one that runs."""
    state = {"Status": "running", **said}
    labels = {c.SERVICE: service, c.HASH: digest}
    return c.of(
        {"Id": service, "Name": service, "Image": "", "State": state, "Config": {"Labels": labels}}
    )


def release(**others: Any) -> Release:
    """Make a release of these services."""
    return Release("shop", "compose", "shop", {BASE: json.dumps({"services": {**FILE, **others}})})


def steps(*there: Container, **others: Any) -> Steps:
    """Plan the release, with these containers there."""
    made = release(**others)
    hashes = dict.fromkeys(made.services, "now")
    return planned(made, SERVICES, c.by_service(there), hashes)


def test_changed_services_are_replaced_after_those_that_they_depend_on():
    there = [container("orders"), container("stock"), container("entry"), container("db", "now")]
    assert steps(*there) == Steps((), ("stock", "orders"))


def test_what_is_new_and_changed_stores_come_first():
    there = [container("orders"), container("stock", "now"), container("db")]
    assert steps(*there) == Steps(("entry", "db"), ("orders",))


def test_nothing_comes_first_where_nothing_is_replaced_so():
    assert steps(container("entry"), container("db")) == Steps((), ())


@pytest.mark.parametrize(
    "said", [{"Status": "exited"}, {"Health": {"Status": "unhealthy"}}], ids=["ended", "unhealthy"]
)
def test_a_service_that_does_not_serve_is_left_to_compose(said):
    there = [container("orders", **said), container("stock", "now"), container("db", "now")]
    assert steps(*there, container("entry", "now")) == Steps((), ())


@pytest.mark.parametrize(
    "own",
    [
        {"ports": ["80:80"]},
        {"volumes": ["data:/data"]},
        {"pre_stop": [{"command": "true"}]},
        {"container_name": "orders"},
    ],
    ids=lambda own: next(iter(own)),
)
def test_what_is_one_containers_alone_keeps_two_from_running(own):
    assert can_overlap({"image": "orders", "secrets": [], "volumes": []})
    assert not can_overlap({"image": "orders", **own})
