"""The tests' cluster itself: nodes in zones, names, and a machine that it leaves as it was."""

from __future__ import annotations

import os
from pathlib import Path

import machines
import pytest
from cluster import Cluster
from machines import KERNEL_SETTINGS, machine

pytestmark = pytest.mark.servers


def test_three_nodes_are_ready_in_three_zones(nodes: Cluster):
    found = nodes.read("nodes")["items"]
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in found}
    ready = [
        condition["status"]
        for node in found
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert zones == {"kind-a", "kind-b", "kind-c"}
    assert ready == ["True", "True", "True"]


def test_its_network_and_its_settings_are_its_own(nodes: Cluster):
    outside = Path("/proc/net/route").read_text()
    assert "nodes" in nodes.hub.run("cat", "/proc/net/route")
    assert "nodes" not in outside
    # Files stand where a kubelet would write these for the whole machine.
    mounts = nodes.nodes[0].machine.run("cat", "/proc/self/mounts")
    assert all(f"/proc/sys/{setting} " in mounts for setting in KERNEL_SETTINGS)
    assert not any(
        f"/proc/sys/{setting} " in Path("/proc/mounts").read_text() for setting in KERNEL_SETTINGS
    )


def test_nothing_of_a_machine_is_left_when_it_ends(programs: Path, tmp_path: Path):
    before = Path("/proc/mounts").read_text()
    with machine("short", tmp_path / "short", dict(os.environ)) as short:
        server = short.start("sleep", "infinity")
        assert short.run("hostname").strip() == "short"
        while not (children := machines.children(server.pid)):  # it enters first
            assert server.poll() is None
        (inside,) = children
    assert not Path(f"/proc/{short.pid}").exists()
    assert not Path(f"/proc/{inside}").exists()
    assert Path("/proc/mounts").read_text() == before
