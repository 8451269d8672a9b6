"""An entry on one machine: TLS, and public services that are replaced without a failed request.

On stand-ins for the public images (`standins.STAND_IN`, `store_images`).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import behind_entry
import pytest
import store_images
from behind_entry import BROKEN, HOST, VisitedMachine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

THERE = ("--target", "compose")
LEAST = 100


@pytest.fixture(scope="module")
def shop(docker, tmp_path_factory) -> Iterator[VisitedMachine]:
    """Give the system, deployed."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    scratch = tmp_path_factory.mktemp("proxy")
    if lacking := store_images.make(docker, [store_images.TRAEFIK], scratch):
        pytest.skip(lacking[store_images.TRAEFIK])
    for made in behind_entry.visited(docker, tmp_path_factory.mktemp("machine")):
        made.machine("deploy")
        yield made


def test_a_visitor_is_led_to_https_and_served_by_the_certificate(shop):
    assert shop.ask_plain("/a?b=c") == (301, f"https://{HOST}:{shop.https}/a?b=c")
    status, text = shop.ask("/a?b=c", {"X-Forwarded-For": "6.6.6.6"})
    assert status == 200
    version, path, *forwarded = text.split()
    assert (version, path) == ("0.1.0", "/a?b=c")
    assert "6.6.6.6" not in text
    assert forwarded[1] == "https"


def test_a_version_replaces_another_without_a_failed_request(shop):
    shop.build("0.2.0")
    shop.model("0.2.0")
    with shop.visited() as visits:
        said = shop.machine("deploy")
        deployed = visits.seen.total()
        shop.machine("restart", "web", *THERE)
    assert "web ready after" in said
    assert "without a gap" in said
    assert visits.failed == {}
    assert min(deployed, visits.seen.total() - deployed) > LEAST
    assert visits.seen.keys() == {"0.1.0", "0.2.0"}


def test_a_version_that_does_not_come_up_leaves_the_one_before_serving(shop):
    before = shop.container()
    shop.build("0.3.0", BROKEN)
    shop.model("0.3.0")
    with shop.visited() as visits:
        said = shop.machine("deploy", code=1)
    shop.model("0.2.0")
    assert "no shop window" in said
    assert visits.failed == {}
    assert visits.seen.keys() == {"0.2.0"}
    assert shop.container() == before
    shop.machine("drift", "--env", "compose")


def test_routes_and_a_certificate_are_taken_without_a_restart(shop):
    entry = shop.container("entry")
    assert shop.ask("/b")[0] == 200
    shop.model("0.2.0", "[/a, /c]")
    renewed = shop.certify()
    with contextlib.closing(shop.connection()) as kept:
        kept.connect()
        said = shop.machine("deploy", "--plan")
        assert "entry-routes" in said
        shop.machine("deploy")
        kept.request("GET", "/a/b", headers={"Host": HOST})  # it was open all the while
        assert kept.getresponse().status == 200
    assert [shop.ask(path)[0] for path in ("/a", "/c/d?e", "/ab", "/b")] == [200, 200, 404, 404]
    assert shop.shown() == renewed
    assert shop.container("entry") == entry


def test_a_certificate_that_visitors_would_refuse_is_not_deployed(shop):
    shop.certify("www.other.example.com")
    said = shop.machine("deploy", code=2)
    assert "tarmac.yaml:8:26: certificate 'tls/shop.pem' is refused for" in said
    assert f"not valid for '{HOST}'" in said
    (shop.machine.folder / "tls/shop.key").unlink()
    assert "key 'tls/shop.key' cannot be read (No such file" in shop.machine("deploy", code=2)
    shop.certify()


def test_verbs_know_the_entry(shop):
    found = shop.machine.data("ps", *THERE)
    assert {one["name"]: one["detail"] for one in found["workloads"]} == {
        "web": "1 of 1 ready",
        "entry": "1 of 1 ready",
    }
    assert HOST in shop.machine("logs", "entry", *THERE, "-l", "50")
    before = shop.container("entry")
    shop.machine("restart", "entry", *THERE)
    assert shop.container("entry") != before
    assert shop.ask("/a")[0] == 200


def test_a_taken_port_is_named(shop):
    shop.machine("down", *THERE)
    with socket.create_server(("127.0.0.1", shop.https)):
        said = shop.machine("deploy", "--no-rollback", code=1)
    assert f"port {shop.https} of the machine is taken" in said
    shop.machine("deploy")
    assert shop.ask("/a")[0] == 200
