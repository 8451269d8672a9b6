"""What holds of every fault: it is proven while it is there, and gone afterwards, come what may."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import pytest
from faulted import drill_that_stays
from sandbox import PORT, SYSTEM, Sandbox, gone, laid_out, web, wire

from tarmac.base.errors import TarmacError
from tarmac.catalog.faults.clock_skew import LIBRARIES
from tarmac.catalog.faults.fault import Fault, Step
from tarmac.catalog.faults.kill import FAULT as KILL
from tarmac.drill.file.drill_file import faults
from tarmac.drill.needs import possible_on
from tarmac.run.local.supervisor.local_target import LocalTarget, local_target

#: Those of a store are tried in test_store_faults.py and test_full_disk.py, that of passwords in
#: tests/runtime/test_rotation.py, those of a cluster's nodes in tests/cluster.
FAULTS = {
    name: fault
    for name, fault in faults().items()
    if name not in ("read-only", "full-disk", "rotate") and "local" in possible_on(fault.needs)
}
#: Fault -> what its step says, besides the fault; the system is `front`, which calls `back`.
STEPS = {
    "bandwidth": {"on": "front -> back", "rate": 50.0},
    "clock-skew": {"on": "back", "skew": "-90s"},
    "connections": {"on": "back"},
    "cpu-limit": {"on": "back", "cpus": 0.01},
    "crash-loop": {"on": "back"},
    "http-error": {"on": "back", "status": 503},
    "kill": {"on": "back"},
    "latency": {"on": "back", "delay": "300ms"},
    "memory-limit": {"on": "back", "limit": "1Mi"},
    "outage": {"on": "back"},
    "partition": {"on": "front -> back", "direction": "received"},
    "pause": {"on": "back"},
    "reset": {"on": "back"},
    "restart": {"on": "back"},
    "slow-body": {"on": "front -> back", "rate": 16.0},
    "stale-address": {"on": "back"},
}
DELAY_S = 0.3
BACK = web("back", PORT + 1)
#: Longer than anything here takes that is not disturbed.
LONG_S, POLL_S = 20.0, 0.02
#: A clock is changed by a library that not every machine has.
_OF_CLOCK = pytest.mark.skipif(
    not [path for place in LIBRARIES for path in Path("/").glob(place)],
    reason="libfaketime is not here; `apt install faketime`",
)


def _marked(fault):
    return pytest.param(fault, marks=_OF_CLOCK if fault == "clock-skew" else ())


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The small system, up for all faults; a task of `back` has ended, which no fault is for."""
    box = laid_out(tmp_path_factory.mktemp("faults"))
    box.write(SYSTEM.replace(BACK, web("back", PORT + 1, ", tasks: {before: {run: 'true'}}")))
    box.up()
    yield box
    box.end()


@pytest.fixture
def target(running):
    with local_target(running.home) as found:
        yield found


#: What a client meets whose service is away, or ends in the midst of an answer.
BROKEN_OFF = (OSError, HTTPException)


def step_of(fault: Fault) -> Step:
    return fault.step.model_validate({"fault": fault.id, **STEPS[fault.id]})


def ask(box: Sandbox, timeout_s: float) -> str:
    """Ask `back` over the wire of `front`."""
    with urllib.request.urlopen(wire(box, "front", "back"), timeout=timeout_s) as answer:
        return answer.read().decode()


def serves_as_before(box: Sandbox) -> None:
    end = time.monotonic() + LONG_S
    while True:
        began = time.monotonic()
        with contextlib.suppress(*BROKEN_OFF):
            ask(box, 5)
            if time.monotonic() - began < DELAY_S:
                return
        assert time.monotonic() < end
        time.sleep(POLL_S)


class Traffic:
    """A client that asks again and again, whatever it gets."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(POLL_S):
            try:
                ask(self._box, 0.5)
            except BROKEN_OFF:
                continue


def seen(witness: Callable[[], tuple[bool, str]]) -> str:
    """Wait until a fault is proven: traffic has to meet it first."""
    end = time.monotonic() + LONG_S
    while not (sighting := witness())[0]:
        assert time.monotonic() < end, sighting
        time.sleep(POLL_S)
    return sighting[1]


def test_every_fault_is_tried_here():
    assert STEPS.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", [*map(_marked, FAULTS)])
def test_a_fault_is_proven_while_it_is_there_and_gone_afterwards(running, target, fault):
    fault = FAULTS[fault]
    serves_as_before(running)
    with Traffic(running):
        with fault.inject(target, step_of(fault)) as witness:
            assert seen(witness)
        serves_as_before(running)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.id)
def test_a_fault_on_what_is_not_there_is_refused_with_what_is(target, fault):
    step = step_of(fault).model_copy(update={"on": "bakc"})
    with pytest.raises(TarmacError, match=r"bakc: no .*; did you mean 'back'\?"):
        fault.inject(target, step).__enter__()


@pytest.mark.parametrize(
    "fault",
    [
        *("bandwidth", "connections", "http-error", "latency", "partition", "reset", "slow-body"),
        "stale-address",
    ],
)
def test_without_traffic_a_fault_of_an_edge_is_not_proven(target, fault):
    with FAULTS[fault].inject(target, step_of(FAULTS[fault])) as witness:
        present, detail = witness()
    assert not present
    assert detail.startswith("no target was ")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize(
    "fault", [_marked(name) for name, fault in sorted(FAULTS.items()) if not fault.momentary]
)
def test_a_drill_that_is_killed_leaves_nothing_disturbed(running, fault, number):
    serves_as_before(running)
    step = {"fault": fault, **STEPS[fault]}
    with drill_that_stays(running.home, FAULTS[fault], step) as drill:
        drill.send_signal(number)
    serves_as_before(running)


def test_a_stale_address_leads_to_the_service_that_has_it_now_and_back(running, target):
    with urllib.request.urlopen(target.urls()["front"], timeout=5) as answer:
        front = answer.read().decode()
    back = ask(running, 5)
    assert back != front
    step = step_of(FAULTS["stale-address"])
    with FAULTS["stale-address"].inject(target, step.model_copy(update={"now": "front"})):
        assert ask(running, 5) == front
    assert ask(running, 5) == back
    with pytest.raises(TarmacError, match=r"frnt: no service .*; did you mean 'front'\?"):
        FAULTS["stale-address"].inject(target, step.model_copy(update={"now": "frnt"}))


@_OF_CLOCK
def test_a_service_whose_clock_was_wrong_has_its_own_processes_again(running, target):
    before = running.node("back")["pid"]
    with FAULTS["clock-skew"].inject(target, step_of(FAULTS["clock-skew"])) as witness:
        assert running.node("back")["pid"] != before
        present, detail = witness()
        assert present
        assert re.fullmatch("the clock of back was 9[01] s behind", detail)
    node = running.until("back", lambda node: ask(running, 5) == f"pid {node['pid']}")
    assert b"FAKETIME" not in Path(f"/proc/{node['pid']}/environ").read_bytes()


def test_a_zone_and_a_machine_are_all_that_stands_there(target):
    assert set(target.find("zone-a")) == set(target.find("node-a1")) == {"front", "back"}
    with pytest.raises(TarmacError, match="zone-b: no service, store, machine or zone that runs"):
        target.find("zone-b")


def test_a_paused_process_goes_on_with_what_it_had_begun(running, target):
    url = wire(running, "front", "back")
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n")
        with FAULTS["pause"].inject(target, step_of(FAULTS["pause"])) as witness:
            client.sendall(b"\r\n")
            assert witness().present
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
        client.settimeout(LONG_S)
        assert client.recv(100).startswith(b"HTTP/1.0 200")


def test_what_is_held_down_says_so_and_comes_back_at_once(running, target: LocalTarget):
    (before,) = (one for one in target.instances() if one.name == "back")
    target.hold_down(["back"])
    node = running.until("back", lambda node: "held down" in node["detail"])
    assert node["pid"] is None
    assert gone([before.pid], within_s=LONG_S)
    target.let_up(["back"])
    running.until("back", lambda node: node["state"] == "healthy")


def test_a_share_of_a_service_ends_and_its_other_instances_go_on(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up("--scale", "back=2")
    with local_target(sandbox.home) as target:
        before = {one.name: one.pid for one in target.instances()}
        step = KILL.step.model_validate({"fault": "kill", "on": "back", "share": 50})
        with KILL.inject(target, step) as witness:
            assert witness().detail == f"SIGKILL ended back (pid {before['back']})"
        (other,) = (one for one in target.instances() if one.name == "back.2")
        assert (other.pid, other.serves) == (before["back.2"], True)


def test_a_system_that_ends_during_a_fault_is_reported_and_leaves_nothing(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    with local_target(sandbox.home) as target:
        target.pause(["back"])
        assert sandbox.tarmac("down").returncode == 0
        with pytest.raises(TarmacError, match="the supervisor went away"):
            target.resume(["back"])
