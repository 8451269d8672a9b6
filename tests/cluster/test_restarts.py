"""starter in the cluster while a new version of a service does not stay up: an alert fires.

kube-state-metrics and Debian's Prometheus run beside the cluster; its kubelets restart the pods.
"""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import built
import pytest
import scraped
from deployed import DeployedSystem
from free_ports import free_ports
from rendered import watched_artifacts_of
from scraped import Prometheus

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(1500),
    pytest.mark.parametrize("alone", ["starter"], indirect=True),
]

GET = "there is no kube-state-metrics: run .ci/kubestate (`make tools`)"
RULES = "k8s/monitoring/prometheusrule-alerts.yaml"
SERVICE = "order-service"
#: Two restarts within half an hour, for a minute: the third start is 30 s after the first.
WITHIN_S = 300


@pytest.fixture(scope="module")
def states(alone: DeployedSystem, tmp_path_factory) -> Iterator[int]:
    """Run kube-state-metrics for the cluster; gives its port."""
    found = built.newest("kube-state-metrics-*/kube-state-metrics")
    if found is None:
        pytest.skip(GET)
    port, own = free_ports(2)
    at = ("--host=127.0.0.1", f"--port={port}", "--telemetry-host=127.0.0.1")
    argv = [found, *at, f"--telemetry-port={own}", f"--kubeconfig={alone.cluster.kubeconfig}"]
    log = tmp_path_factory.mktemp("states") / "log"
    with log.open("wb") as out:
        started = subprocess.Popen(argv, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 60
        while not told(port):
            assert started.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.2)
        yield port
    finally:
        started.terminate()
        started.wait()


def told(port: int) -> str:
    """Read what it says of restarts."""
    with suppress(urllib.error.URLError, ConnectionError):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return "\n".join(line for line in text.splitlines() if "restarts_total{" in line)
    return ""


@pytest.fixture(scope="module")
def prometheus(states: int, tmp_path_factory) -> Iterator[Prometheus]:
    """Run a Prometheus with the rules as they are rendered."""
    try:
        program = programs.find("prometheus")
    except Skip as missing:
        pytest.skip(str(missing))
    (rules,) = (
        artifact.data["spec"]
        for artifact in watched_artifacts_of("starter")
        if artifact.path == RULES
    )
    folder: Path = tmp_path_factory.mktemp("prometheus")
    # As the chart's monitor of it: a pod's labels are its own, and not those of who tells.
    job = {
        "job_name": "kube-state-metrics",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{states}"]}],
    }
    with scraped.running(program, folder, [job], {"alerts": rules}) as server:
        yield server


def test_a_pod_that_does_not_stay_up_fires_the_alert_on_restarts(
    alone: DeployedSystem, prometheus: Prometheus
):
    counted = f'kube_pod_container_status_restarts_total{{container="{SERVICE}"}}'
    alone.until(lambda: bool(prometheus.ask(counted)))
    alert = 'ALERTS{{alertname="PodRestarts",service="{}",alertstate="firing"}}'
    assert prometheus.ask(f"max({counted})") == [0.0]
    alone.k("set", "env", f"deployment/{SERVICE}", "RATE_LIMIT_PER_MINUTE=never")
    try:
        alone.until(lambda: bool(prometheus.ask(alert.format(SERVICE))), within_s=WITHIN_S)
        assert max(prometheus.ask(counted)) >= 2
        assert prometheus.ask(alert.format("user-service")) == []
        # The old version's pods go on.
        assert alone.ready(SERVICE) >= 1
    finally:
        alone.k("rollout", "undo", f"deployment/{SERVICE}")
    alone.rolled_out(f"deployment/{SERVICE}")
