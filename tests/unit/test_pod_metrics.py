"""Metrics of pods while a drill runs: new pods are read, and what gone ones counted stays."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripted_kubectl import pod, running

from tarmac.base.errors import TarmacError
from tarmac.drill.running import running_system
from tarmac.model.loader import load
from tarmac.run import pod_metrics, scraping
from tarmac.run.cluster.running import DeployedSystem
from tarmac.run.cluster_system import ClusterSystem
from tarmac.run.telemetry import awaited

SYSTEM = Path(__file__).parents[2] / "systems/hello-dd/tarmac.yaml"
SERVICE = "api-gateway"


@dataclass
class Counted:
    """Requests of one gateway, and when its process began."""

    began_at: float = field(default_factory=time.time)
    requests: dict[int, int] = field(default_factory=dict)
    #: Attempts of its calls, by role and outcome.
    calls: dict[tuple[str, str], int] = field(default_factory=dict)
    #: They were read for the first time.
    read: threading.Event = field(default_factory=threading.Event)

    def text(self) -> str:
        """Write them as services do."""
        lines = [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self.began_at}",
            "# TYPE http_requests_total counter",
        ]
        for status, count in self.requests.items():
            labels = f'service="{SERVICE}",method="GET",route="/offers",status="{status}"'
            lines.append(f"http_requests_total{{{labels}}} {count}")
        lines.append("# TYPE client_requests_total counter")
        for (role, outcome), count in self.calls.items():
            labels = f'service="{SERVICE}",role="{role}",outcome="{outcome}"'
            lines.append(f"client_requests_total{{{labels}}} {count}")
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def serving(counted: Counted) -> Iterator[int]:
    """Serve metrics at a port of this machine."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(counted.text().encode())
            counted.read.set()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch) -> Callable[..., DeployedSystem]:
    """Give a cluster whose kubectl leads to the port that a file of the pod's name says."""
    monkeypatch.setattr(scraping, "EVERY_S", 0.05)
    program = tmp_path / "kubectl"
    program.write_text(
        "#!/bin/sh\n"
        # A file that is there may not be written yet.
        f'port=$(cat {tmp_path}/"${{3#pod/}}") && [ "$port" ] ||'
        ' { echo "pod is pending" >&2; exit 1; }\n'
        'echo "Forwarding from 127.0.0.1:$port -> 8083"\nexec sleep 60\n'
    )
    program.chmod(0o700)

    def with_pods(*names: str) -> DeployedSystem:
        found = running(*(pod(SERVICE, name) for name in names))
        return replace(found, kubectl=replace(found.kubectl, program=str(program)))

    return with_pods


def requests_and_bad(telemetry: Path, since: float) -> tuple[float, float]:
    """Count what the availability of the gateway is made of."""
    system = load(str(SYSTEM), lambda path: Path(path).read_bytes())
    (name,) = (
        one.name
        for one in running_system.wanted_objectives(system, None)
        if "availability" in one.name
    )
    (found,) = running_system.counted(system, telemetry, [name], since)
    assert found.counts is not None
    return found.counts.requests, found.counts.bad


def test_requests_are_counted_from_the_first_reading_on_and_over_a_pod_that_is_replaced(
    cluster, tmp_path
):
    old = Counted(began_at=time.time() - 3600, requests={200: 1000, 503: 7})
    new = Counted()
    found = cluster("gateway-old")
    since = time.time()
    with contextlib.ExitStack() as ways:
        (tmp_path / "gateway-old").write_text(str(ways.enter_context(serving(old))))
        telemetry = ways.enter_context(pod_metrics.pod_metrics(found, [SERVICE]))
        awaited.wait_read(telemetry, [SERVICE])
        assert requests_and_bad(telemetry, since) == (0, 0)
        old.requests |= {200: 1010}
        assert requests_and_bad(telemetry, since) == (10, 0)
        # Its successor: counted from its beginning, as it is young.
        new.requests |= {200: 5, 503: 1}
        (tmp_path / "gateway-new").write_text(str(ways.enter_context(serving(new))))
        found.kubectl.objects[:] = [pod(SERVICE, "gateway-new")]
        end = time.monotonic() + 20
        while (seen := requests_and_bad(telemetry, since)) != (16, 1):
            assert time.monotonic() < end, seen


def test_objectives_are_observed_for_a_while_by_what_pods_count_meanwhile(cluster, tmp_path):
    system = load(str(SYSTEM), lambda path: Path(path).read_bytes())
    old = Counted(began_at=time.time() - 3600, requests={200: 1000, 503: 7})
    with serving(old) as port, ThreadPoolExecutor() as pool:
        (tmp_path / "gateway-a").write_text(str(port))
        seen = pool.submit(ClusterSystem(SYSTEM, cluster("gateway-a"), system).objectives, 0.5)
        assert old.read.wait(20)
        old.requests |= {200: 1029, 503: 8}
        objectives, now_ms = seen.result()
    availability, latency = (one.live for one in objectives)
    assert (availability.counts.requests, availability.counts.bad) == (30, 1)
    assert availability.burns  # one of thirty is more than the limit of 14.4 in a thousand
    assert latency.good_share is None  # that pod says nothing of durations
    assert now_ms - 5000 < (objectives[0].since_ms or 0) < now_ms - 500


def test_pods_without_metrics_are_reported(cluster, monkeypatch):
    monkeypatch.setattr(awaited, "READ_S", 0.1)
    system = load(str(SYSTEM), lambda path: Path(path).read_bytes())
    with pytest.raises(TarmacError, match=f"no metrics of {SERVICE} were read in lab; see `tarmac"):
        ClusterSystem(SYSTEM, cluster(), system).objectives(0)


def test_edges_show_the_counts_of_callers_since_their_start(cluster, tmp_path):
    system = load(str(SYSTEM), lambda path: Path(path).read_bytes())
    calls = {("inventory", "2xx"): 7, ("inventory", "timeout"): 2, ("pricing", "2xx"): 0}
    with contextlib.ExitStack() as ways:
        for name, called in (("gateway-a", calls), ("gateway-b", calls), ("prices-a", {})):
            one = Counted(began_at=time.time() - 3600, calls=called)
            (tmp_path / name).write_text(str(ways.enter_context(serving(one))))
        there = cluster("gateway-a", "gateway-b")
        there.kubectl.objects.append(pod("pricing-service", "prices-a"))
        found = ClusterSystem(SYSTEM, there, system).edges().edges
    counted = {(edge.source, edge.target): edge for edge in found if edge.kind == "call"}
    stock, prices = counted[SERVICE, "inventory-service"], counted[SERVICE, "pricing-service"]
    assert (stock.requests, stock.failed, stock.unused) == (18, 4, False)
    assert (prices.requests, prices.failed, prices.unused) == (0, 0, True)
    keys = counted["pricing-service", "inventory-service"]  # a URL in its environment
    assert (keys.requests, keys.unused) == (None, False)
    (cache,) = [edge for edge in found if edge.target == "cache"]
    assert (cache.kind, cache.requests, cache.unused) == ("store", None, False)


def test_a_pod_that_cannot_be_reached_yet_is_tried_again(cluster, tmp_path):
    counted = Counted()
    found = cluster("gateway-slow")
    with contextlib.ExitStack() as ways:
        telemetry = ways.enter_context(pod_metrics.pod_metrics(found, [SERVICE]))
        time.sleep(0.2)  # it is asked for some times, in vain
        since = time.time()
        (tmp_path / "gateway-slow").write_text(str(ways.enter_context(serving(counted))))
        awaited.wait_read(telemetry, [SERVICE])
        counted.requests |= {200: 3}
        assert requests_and_bad(telemetry, since) == (3, 0)


def test_no_process_is_left_and_nothing_is_read_of_services_without_metrics(cluster, tmp_path):
    before = {*threading.enumerate()}
    with pod_metrics.pod_metrics(cluster("gateway-a"), ["no-such-service"]) as telemetry:
        assert telemetry.exists()
    (tmp_path / "gateway-a").write_text("1")
    with pod_metrics.pod_metrics(found := cluster("gateway-a"), [SERVICE]) as telemetry:
        end = time.monotonic() + 20
        while not found.kubectl.calls:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert not telemetry.exists()
    assert {*threading.enumerate()} <= before
