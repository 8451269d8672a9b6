"""What services did between two observations, and what their processes use."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from tarmac.run.local.host import usage
from tarmac.run.local.host.usage import Usage
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor import activity
from tarmac.run.local.supervisor.activity import Observation, Rates
from tarmac.run.local.supervisor.status import Status

NODES = (
    NodeState("orders.1", "service", "takes orders", "healthy", pid=11, restarts=1),
    NodeState("orders.2", "service", "takes orders", "starting", pid=12),
    NodeState("orders.migrate", "task", "", "done"),
    NodeState("db", "store", "PostgreSQL", "healthy", pid=13),
)
STATUS = Status(True, "shop", "tarmac.yaml", "default", NODES, ())


def edge(target: str = "orders", source: str = "web", **counted: dict[str, int]) -> dict:
    return {"source": source, "target": target, "port": "http", **counted}


def counted(ok: int, failed: int, bucket: str = "24") -> dict:
    return {
        "requests": {"GET 200": ok, "POST 500": failed},
        "durations": {bucket: ok + failed},
    }


def test_rates_are_of_the_time_between_the_observations():
    before = Observation(
        10.0, STATUS, [edge(**counted(100, 1)), edge(source="app", **counted(5, 0))]
    )
    now = Observation(14.0, STATUS, [edge(**counted(120, 3)), edge(source="app", **counted(15, 0))])
    found = {one.name: one.rates for one in activity.activities(before, now)}
    assert found["orders"].requests_per_s == 32 / 4
    assert found["orders"].failed_per_s == 2 / 4
    assert found["orders"].p95_s == pytest.approx(0.0008)
    assert found["db"] == Rates()


def test_an_edge_that_is_new_or_counts_from_zero_again_has_no_rate_below_zero():
    before = Observation(0.0, STATUS, [edge(**counted(100, 9))])
    now = Observation(1.0, STATUS, [edge(**counted(3, 0)), edge(source="new", **counted(2, 1))])
    assert activity.rates(before, now, now.edges).requests_per_s == 3
    assert activity.rates(before, now, [edge()]) == Rates()
    assert activity.rates(now, now, now.edges) == Rates(0.0, 0.0)


def test_a_declared_edge_is_unused_until_something_is_connected_by_one_of_its_ports():
    seen = [
        edge(connections=0),
        edge("db", connections=0),
        edge("db", connections=2) | {"port": "more"},
        edge("mail"),
        edge("orders", source="world", connections=0),
    ]
    assert activity.unused(seen) == {("web", "orders")}
    assert activity.unused([edge()]) == set()


def test_instances_are_one_and_processes_that_are_new_have_no_share():
    before = Observation(0, STATUS, usage={11: Usage(1.0, 5), 13: Usage(9.0, 70)}, used_at=0.0)
    used = {11: Usage(2.0, 6), 12: Usage(50.0, 4), 13: Usage(9.5, 80)}
    found = activity.activities(before, Observation(2, STATUS, usage=used, used_at=2.0))
    assert [(one.name, one.cpu_share, one.memory_bytes) for one in found] == [
        ("orders", 0.5, 10),
        ("db", 0.25, 80),
    ]
    assert [node.state for node in found[0].nodes] == ["healthy", "starting"]


CHILD = """
import subprocess, sys
held = bytearray(40_000_000)
code = "held = bytearray(30_000_000); print(1, flush=True); input()"
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
child = subprocess.Popen([sys.executable, "-c", code], **pipes)
child.stdout.readline()
sum(range(3_000_000))
print(child.pid, flush=True)
input()
"""


def test_a_process_is_measured_with_all_that_it_started():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", CHILD], **pipes) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        found = usage.of_trees([process.pid, 2**22 + 1])
        apart = usage.of_trees([process.pid, child])
        mine = usage.of_trees([os.getpid(), process.pid])
        psutil.Process(child).kill()
        process.kill()
    assert found.keys() == {process.pid}
    assert found[process.pid].memory_bytes > 70_000_000
    assert found[process.pid].cpu_s > 0
    assert apart[child].memory_bytes > 30_000_000
    assert apart[process.pid].memory_bytes < found[process.pid].memory_bytes
    assert mine[process.pid].memory_bytes > 70_000_000, "the nearest one has it"
