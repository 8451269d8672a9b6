"""hello-dd under Docker Compose itself, from the files that are rendered: how it comes and goes.

What people do in it is `test_hello_suite`.

On stand-ins for the public images (`standins.STAND_IN`): Python's base, PostgreSQL and Valkey.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import kit_images
import pytest
from composed import Compose, laid_out
from rendered import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

STORES = {"cache", "gateway-db", "inventory-db", "pricing-db"}
#: Prints which of the names that it is given can be found.
FIND = """
import concurrent.futures, socket, sys
def address(name):
    try:
        return socket.gethostbyname(name)
    except OSError:
        return ""
with concurrent.futures.ThreadPoolExecutor() as pool:
    for name, found in zip(sys.argv[1:], pool.map(address, sys.argv[1:])):
        print(name if found else "")
"""


@pytest.fixture(scope="module")
def rehearsal(docker, images, tmp_path_factory) -> Iterator[Compose]:
    """Give the rehearsal of production, nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    folder = laid_out("hello-dd", tmp_path_factory.mktemp("hello"))
    images.of("hello-dd")
    compose = Compose(docker, folder, ("compose.yaml", "compose.prod.yaml"))
    yield compose
    compose("--profile", "all", "down", "--volumes", "--timeout", "1")


def test_stores_come_up_alone_and_services_join_them_one_by_one(rehearsal):
    up = ("up", "--detach", "--wait", "--no-build")
    rehearsal(*up, profiles="")
    assert set(rehearsal.state()) == STORES
    there = set(STORES)
    for service in ("inventory-service", "pricing-service", "api-gateway"):
        rehearsal(*up, profiles=service)
        there.add(service)
        assert set(rehearsal.state()) == there
    states = rehearsal.state()
    assert {states[name] for name in there - {"cache"}} == {"healthy"}


def test_what_no_edge_leads_to_cannot_be_found(rehearsal):
    # A name that is not known here is asked for outside, where there is no answer; that the names
    # that are known come within the same time shows that it is long enough.
    patience = ("--env", "RES_OPTIONS=timeout:2 attempts:1")
    names = ("gateway-db", "pricing-service", "pricing-db", "cache")
    gateway = rehearsal.container("api-gateway")
    found = rehearsal.docker.say("exec", *patience, gateway, "/usr/bin/python3", "-c", FIND, *names)
    assert found.split() == ["gateway-db", "pricing-service"]


def test_rows_survive_down_and_up_and_end_with_their_volumes(rehearsal):
    ask = ("psql", "-U", "postgres", "-d", "gateway", "--tuples-only", "--no-align", "--command")

    def answer(query: str) -> str:
        return rehearsal.docker.say("exec", rehearsal.container("gateway-db"), *ask, query)

    answer("CREATE TABLE kept AS SELECT generate_series(1, 20)")
    rehearsal("--profile", "all", "down", "--timeout", "1")
    rehearsal("up", "--detach", "--wait", "gateway-db")
    assert answer("SELECT count(*) FROM kept") == "20"
    rehearsal("--profile", "all", "down", "--volumes", "--timeout", "1")
    rehearsal("up", "--detach", "--wait", "gateway-db")
    assert answer("SELECT to_regclass('kept') IS NULL") == "t"


@pytest.mark.parametrize("system", kit_images.SYSTEMS)
def test_compose_accepts_every_file_and_without_secrets_nothing_starts(docker, tmp_path, system):
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    folder = laid_out(system, tmp_path)
    for files in ((), ("compose.yaml",), ("compose.yaml", "compose.prod.yaml")):
        Compose(docker, folder, files)("config", "--quiet")
    developed = json.loads(Compose(docker, folder)("config", "--format", "json"))
    final = json.loads(
        Compose(docker, folder, ("compose.yaml", "compose.prod.yaml"))("config", "--format", "json")
    )
    binds = [
        mount["type"]
        for service in final["services"].values()
        for mount in service.get("volumes", ())
        if mount["type"] != "volume"
    ]
    assert not binds
    assert not [name for name, service in final["services"].items() if "build" in service]
    mounted = [
        name
        for name, service in developed["services"].items()
        if any(volume["type"] == "bind" for volume in service.get("volumes", ()))
    ]
    assert mounted
    secrets = (folder / ".env").read_text()
    (folder / "secrets.sh").chmod(0o755)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    subprocess.run([str(folder / "secrets.sh"), str(ROOT)], check=True)
    assert (folder / ".env").read_text() == secrets, "a second run changes none"
    (folder / ".env").unlink()
    refused = docker.run(
        *("--project-directory", str(folder), "config"),
        program=str(docker.compose),
        check=False,
        env={"COMPOSE_PROFILES": "all"},
    )
    assert refused.returncode != 0
    assert "run secrets.sh first" in refused.stderr
