"""hello-dd on one machine: `tarmac deploy` builds it, brings it up, goes back, and it is drilled.

On stand-ins for the public images (`standins.STAND_IN`): Python's base, PostgreSQL and Valkey.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import on_one_machine
import pytest
import standins
from free_ports import is_free
from on_one_machine import OneMachine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

SERVICES = {"api-gateway", "inventory-service", "pricing-service"}
STORES = {"gateway-db", "inventory-db", "pricing-db", "cache"}
DEPLOY = ("--env", "compose")
THERE = ("--target", "compose")
#: Where the release publishes its entry.
PORT = 8083
PRICING = "hello-dd/pricing-service:0.1.0"
#: Looks at the offers while one service is replaced; each takes a few milliseconds.
LEAST = 100
DRILL = """
drill: 1
title: Pricing is killed, paused, cut off and replaced while visitors look at offers
load: {journey: look, rate: 5}
hypothesis: {success: 90, p99: 5s, objectives: [api_gateway_availability]}
method:
  - {fault: kill, on: pricing-service}
  - {fault: pause, on: cache, at: 5s, for: 2s}
  - {fault: disconnect, on: pricing-service, at: 9s, for: 2s}
  - {fault: outage, on: cache, at: 13s, for: 2s}
  - {fault: restart, on: pricing-service, at: 17s}
baseline: 5s
recovery: 60s
"""
LONG = """
drill: 1
title: The cache stands still for two minutes
load: {journey: look, rate: 1}
hypothesis: {success: 1, p99: 5s, objectives: []}
method: [{fault: pause, on: cache, for: 120s}]
baseline: 1s
"""


@pytest.fixture(scope="module")
def machine(docker, tmp_path_factory) -> Iterator[OneMachine]:
    """Give a copy of the repository, nothing of it up."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    if not is_free(PORT):  # the roadmap's, which the release publishes
        pytest.skip(f"something else listens on {PORT}")
    made = on_one_machine.laid_out(docker, tmp_path_factory.mktemp("machine"), "hello-dd")
    yield made
    made("down", *THERE, "--delete-data", "--yes")
    assert docker.say("volume", "ls", "--quiet") == ""
    assert not (made.folder / "systems/hello-dd/.tarmac/compose.compose").exists()


@pytest.fixture(scope="module")
def said(machine) -> tuple[str, str]:
    """Plan it, and deploy it in vain and then well, for the first time; give what was said."""
    planned = machine("deploy", *DEPLOY, "--plan")
    assert not machine.docker.read("/containers/json", label=["tarmac.system=hello-dd"])
    with socket.create_server(("127.0.0.1", PORT)):
        came = machine("deploy", *DEPLOY, code=1)
    assert "no release before this one became ready; what was started stays" in came
    left = machine("ps", *THERE, code=1)
    assert "api-gateway: port 8083 of the machine is taken" in left
    assert "no release became ready" in machine("restart", *THERE, code=2)
    machine("down", *THERE)
    came = machine("deploy", *DEPLOY)
    for store, seed in (("inventory-db", "seed/stock.sql"), ("pricing-db", "seed/prices.sql")):
        machine.sow(store, seed)
    return planned, came


@pytest.fixture
def deployed(machine, said) -> OneMachine:
    """Give it with that release running; what a test has left otherwise is put right."""
    if machine.run("drift", *DEPLOY, code=None).returncode or not all(machine.states().values()):
        machine("deploy", *DEPLOY, "--no-build")
    return machine


@contextmanager
def offers_looked_at() -> Iterator[list[str]]:
    """Look at a page of offers without a pause; give what each was: `whole`, or what it lacked."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/offers?limit=5") as answer:
                    offers = json.load(answer)["offers"]
            except (OSError, ValueError) as error:
                seen.append(repr(error))
            else:
                lacks = {part for one in offers for part in one["degraded"]}
                seen.append(f"without {lacks}" if lacks else "whole" if offers else "empty")

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_it_is_built_and_comes_up_in_the_order_of_its_edges(machine, said):
    planned, came = said
    assert "11 added, 0 changed, 0 unchanged" in planned
    assert f"builds {PRICING}" in came
    ready = [line.split()[0] for line in came.splitlines() if " ready after " in line]
    assert set(ready) >= SERVICES | STORES
    assert ready.index("pricing-db") < ready.index("pricing-service") < ready.index("api-gateway")
    assert machine.states() == dict.fromkeys(SERVICES | STORES, True)
    assert "0 added, 0 changed, 11 unchanged" in machine("deploy", *DEPLOY, "--plan")


def test_verbs_look_at_it_as_at_any_other_system(deployed):
    lines = deployed("logs", "pricing-service", *THERE, "-l", "5")
    assert "pricing-service-1" in lines
    held = deployed.data("invariants", *THERE)
    assert all(one["holds"] for one in held)
    counted = deployed.data("objectives", *THERE, "--for", "1")
    assert len(counted["objectives"]) == 2
    before = deployed.docker.inspect(deployed.container("api-gateway"))["Id"]
    deployed("restart", "api-gateway", *THERE)
    assert deployed.docker.inspect(deployed.container("api-gateway"))["Id"] != before
    unknown = deployed("restart", "api-gatewy", *THERE, code=2)
    assert "did you mean 'api-gateway'?" in unknown


def test_a_release_that_does_not_come_up_is_named_and_the_one_before_runs_again(deployed, tmp_path):
    before = deployed.docker.inspect(deployed.container("pricing-service"))
    good = before["Image"]
    broken = 'ENTRYPOINT ["/usr/bin/python3", "-c", "raise SystemExit(\'no price list\')"]'
    (tmp_path / "Dockerfile").write_text(f"FROM {standins.RUNTIME}\n{broken}\n")
    deployed.docker.run("build", "--tag", PRICING, str(tmp_path))
    said = deployed("deploy", *DEPLOY, "--no-build", code=1)
    assert "pricing-service is not ready" in said
    assert "ended with exit status 1, started " in said
    assert "    no price list" in said
    assert "the release before runs again" in said
    serves = deployed.docker.inspect(deployed.container("pricing-service"))
    assert (serves["Id"], serves["RestartCount"]) == (before["Id"], 0)  # it served all along
    assert all(deployed.states().values())
    deployed("drift", *DEPLOY)
    deployed.docker.run("tag", good, PRICING)


def test_a_service_that_others_call_is_replaced_without_a_failed_request(deployed, tmp_path):
    docker = deployed.docker
    before = docker.inspect(deployed.container("pricing-service"))
    docker.run("tag", before["Image"], "kept/pricing-service:1")  # of the old one nothing is left
    (tmp_path / "Dockerfile").write_text(f"FROM {PRICING}\nLABEL build=second\n")
    docker.run("build", "--tag", PRICING, str(tmp_path))
    try:
        with offers_looked_at() as seen:
            said = deployed("deploy", *DEPLOY, "--no-build")
            deployed_at = len(seen)
            deployed("restart", "pricing-service", *THERE)
    finally:
        docker.run("tag", "kept/pricing-service:1", PRICING)
    assert re.search("pricing-service ready after .* without a gap", said)
    assert min(deployed_at, len(seen) - deployed_at) > LEAST
    assert set(seen) == {"whole"}
    assert docker.inspect(deployed.container("pricing-service"))["Image"] != before["Image"]
    assert deployed.states() == dict.fromkeys(SERVICES | STORES, True)


def test_drift_is_what_people_do_by_hand_and_a_deployment_puts_it_right(deployed):
    docker, cache = deployed.docker, deployed.container("cache")
    docker.run("rm", "--force", deployed.container("pricing-service"))
    docker.run("pause", cache)
    docker.run("network", "disconnect", "hello-dd_gateway-db", deployed.container("gateway-db"))
    found = deployed.data("drift", *DEPLOY, code=1)
    assert found["missing"] == ["pricing-service"]
    assert {one["id"]: one["fields"] for one in found["changed"]} == {
        cache: ["state: paused -> running"],
        deployed.container("gateway-db"): ["network hello-dd_gateway-db: not connected"],
    }
    docker.run("unpause", cache)
    deployed("deploy", *DEPLOY, "--no-build")
    assert not deployed.data("drift", *DEPLOY)["missing"]


def test_what_another_has_put_there_is_not_replaced_unasked(deployed):
    name, docker = deployed.container("cache"), deployed.docker
    docker.run("rm", "--force", name)
    label = "com.docker.compose"
    labels = {
        f"{label}.project": "hello-dd",
        f"{label}.service": "cache",
        f"{label}.oneoff": "False",
    }
    told = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    docker.run("create", "--name", name, "--network=none", *told, standins.VALKEY, "valkey-server")
    said = deployed("deploy", *DEPLOY, "--no-build", code=2)
    assert f"would replace {name}, which another has put there; add --yes to confirm" in said
    deployed("deploy", *DEPLOY, "--no-build", "--yes")
    assert all(deployed.states().values())


def test_without_its_secrets_nothing_is_started_anew(deployed):
    values = deployed.folder / "systems/hello-dd/.tarmac/compose.compose/.env"
    assert values.stat().st_mode & 0o777 == 0o600
    away = values.rename(values.with_name("away"))
    said = deployed("deploy", *DEPLOY, "--no-build", code=2)
    assert ".env: is not there, but hello-dd has data on" in said
    assert all(deployed.states().values())
    away.rename(values)


def test_a_drill_kills_pauses_and_cuts_off_what_is_deployed_and_all_is_undone(deployed):
    (deployed.folder / "trouble.yaml").write_text(DRILL)
    found = deployed.data("drill", "trouble.yaml", *THERE)
    assert found["verdict"] == "PASS", found
    assert found["target"] == "compose"
    faults = [one for one in found["checks"] if one["about"] == "fault"]
    assert len(faults) == 5
    assert all(one["holds"] for one in faults), faults
    assert not deployed.data("drift", *DEPLOY)["changed"]


def test_what_a_killed_drill_leaves_is_undone(deployed):
    (deployed.folder / "long.yaml").write_text(LONG)
    argv = [on_one_machine.TARMAC, "drill", "hello-dd", "long.yaml", *THERE]
    options = {"cwd": deployed.folder, "env": deployed.env, "text": True}
    cache = deployed.container("cache")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, **options) as drill:
        assert drill.stdout is not None
        assert any("pause on cache" in line for line in drill.stdout)
        assert deployed.docker.inspect(cache)["State"]["Paused"]
        drill.kill()
    end = time.monotonic() + 30
    while deployed.docker.inspect(cache)["State"]["Paused"]:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_machine_is_reached_by_ssh_as_docker_reaches_it(deployed):
    there = ("--host", "ssh://me@machine")
    assert "0 added, 0 changed, 11 unchanged" in deployed("deploy", *DEPLOY, "--plan", *there)
    assert deployed.data("ps", *THERE, *there)["host"] == "ssh://me@machine"
    far = deployed("invariants", *THERE, *there, code=1)
    assert "containers are reached on their own machine alone; run this there" in far
    log = Path(deployed.env["PATH"].split(":")[0]).with_name("ssh.log")
    assert "-l me -- machine docker system dial-stdio" in log.read_text()
