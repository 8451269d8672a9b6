"""Istio's own control plane with the shop's rendered objects, and its services behind sidecars."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apiserver
import istio
import pytest
from mesh_objects import KubeFiles, by_chart, injected, mesh_config
from own_network import NoNetwork, own_network
from rendered import plan_of

from tarmac.plan.cluster import ClusterPlan

SYSTEM, ENVIRONMENT = "shop", "production"
NEEDED = ("ip", "unshare", "nsenter", "setpriv", "hostname", "sysctl", "mount")


@dataclass
class Mesh:
    """What runs: istiod, and each service's pods by name."""

    plan: ClusterPlan
    control: istio.Istiod
    pods: dict[str, istio.Workload]
    #: Outside of the mesh: it has no sidecar.
    stranger: istio.Workload
    #: The address of each Service.
    addresses: dict[str, str]
    files: KubeFiles

    def ask(self, caller: str, service: str, times: int = 1) -> list[tuple[int, str]]:
        """Send requests from a pod to a service, by its name and address."""
        port = next(iter(self.plan.workload(service).ports.values()))
        url = f"http://{self.addresses[service]}:{port}/"
        return self.pods[caller].ask(url, times, Host=f"{service}:{port}")


@pytest.fixture(scope="session")
def programs() -> Path:
    """Find Istio's programs."""
    found = istio.home()
    if found is None:
        pytest.skip(istio.GET)
    return found


@pytest.fixture(scope="session")
def mesh(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Start all of it in a network of its own."""
    kubernetes = apiserver.home()
    if kubernetes is None or istio.envoy() is None or istio.tables() is None:
        pytest.skip("no API server, Envoy or iptables: run .ci/apiserver, .ci/tools, .ci/cluster")
    if os.geteuid() != 0 or any(shutil.which(program) is None for program in NEEDED):
        pytest.skip("workloads are namespaces, which take root, iproute2 and util-linux")
    folder = tmp_path_factory.mktemp("mesh")
    plan = plan_of(SYSTEM, ENVIRONMENT)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(own_network())
        except NoNetwork as reason:
            pytest.skip(str(reason))
        istio.bridge()
        (folder / "plane").mkdir()
        plane = stack.enter_context(apiserver.control_plane(kubernetes, folder / "plane"))
        files = KubeFiles(plane, plan, programs)
        files.prepare(SYSTEM, ENVIRONMENT)
        config = mesh_config(SYSTEM, ENVIRONMENT)
        charted = by_chart(programs, SYSTEM, ENVIRONMENT, folder)
        control = stack.enter_context(
            istio.istiod(programs, plane, folder / "istiod", config, injected(charted))
        )
        control.wait()
        pods: dict[str, istio.Workload] = {}
        for number, (name, service) in enumerate(files.wanted_pods().items(), 10):
            port = next(iter(plan.workload(service).ports.values()))
            started = istio.workload(folder, name, service, number, port)
            pods[name] = stack.enter_context(started)
        stranger = stack.enter_context(istio.workload(folder, "stranger", "", 9, 8080))
        addresses = files.place(pods)
        for pod in pods.values():
            istio.start_sidecar(pod, programs, plan.namespace, files.tokens(pod))
        istio.wait_for(list(pods.values()), control)
        yield Mesh(plan, control, pods, stranger, addresses, files)
