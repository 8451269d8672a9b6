"""One booking in travel, found in a cluster's stores of metrics, traces and logs.

An operator's Prometheus and the rendered collector are themselves; Jaeger stands for Tempo,
VictoriaLogs and its agent for Loki and Alloy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import built
import cluster_entry
import cluster_logs
import cluster_prometheus
import cluster_traces
import pytest
import store_images
import yaml
from cluster import Cluster
from cluster_entry import Entry
from cluster_logs import LogStore
from cluster_prometheus import Watched
from cluster_traces import TraceStore
from deployed import DeployedSystem
from one_booking import COUNTED, CROSSED, agree, booked
from purchase import LONG_S
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE = "travel-watched"
WATCHED = f"""\
    namespace: {SPACE}
    observability: {{traces: tempo, notify: {{critical: slack}}}}
"""


@dataclass(frozen=True)
class Signals:
    """travel with its way in, and the stores of its signals."""

    entry: Entry
    watched: Watched
    traces: TraceStore
    logs: LogStore


@pytest.fixture(scope="module", params=["travel"])
def watched(
    nodes: Cluster, docker, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[Signals]:
    """Deploy it beside an operator's Prometheus, a collector, and what keeps traces and logs."""
    operator, tracing = cluster_prometheus.programs(), cluster_traces.programs()
    logging = cluster_logs.home()
    for found, get in (
        (operator, cluster_prometheus.GET),
        (tracing, cluster_traces.GET),
        (logging, cluster_logs.GET),
        (authority, cluster_entry.GET),
        (built.newest(cluster_prometheus.KAFKAS), cluster_prometheus.GET_KAFKAS),
    ):
        if found is None:
            pytest.skip(get)
    store_images.require(pulled[request.param], lacking)
    folder, scratch = (tmp_path_factory.mktemp(name) for name in ("watched", "programs"))
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=SPACE)
    system.edit("    secrets: script\n", f"    secrets: script\n{WATCHED}")
    cluster_entry.encrypt(system, authority)
    made = cluster_prometheus.install(system, operator, docker, scratch)
    values = (made.tree / "observability/values/opentelemetry-collector.yaml").read_text()
    rendered = yaml.safe_load(values)
    traces = cluster_traces.install(nodes, tracing, docker, rendered, tmp_path_factory.mktemp("tr"))
    logs = cluster_logs.install(nodes, logging, docker, tmp_path_factory.mktemp("logs"))
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    entry = cluster_entry.begin(nodes, (system,))[request.param]
    yield Signals(entry, made, traces, logs)
    nodes.kubectl("delete", "namespace", SPACE, cluster_logs.NAMESPACE, "--wait=false")


async def test_one_booking_is_found_in_metrics_traces_and_logs(watched: Signals):
    metrics = watched.watched.prometheus()
    counted = f'sum({COUNTED[:-1]},namespace="{SPACE}"}})'
    before = metrics.ask(counted)
    async with watched.entry.asking() as session:
        api = watched.entry.url("api.travel.localhost")
        trace = await booked(session, api, LONG_S)

    def spans() -> dict[str, list[dict[str, Any]]]:
        return watched.traces.services_of(trace)

    def lines() -> list[dict[str, Any]]:
        return watched.logs.ask(f'kubernetes.pod_namespace:="{SPACE}" trace_id:="{trace}"')

    def logged() -> bool:
        return {one.get("service") for one in lines()} >= CROSSED

    await until(lambda: asyncio.to_thread(lambda: spans().keys() >= CROSSED), LONG_S)
    await until(lambda: asyncio.to_thread(logged), LONG_S)
    assert spans().keys() == CROSSED
    agree(spans(), lines())
    await until(lambda: asyncio.to_thread(lambda: metrics.ask(counted) == [1.0]), LONG_S)
    assert before == []
    # The line says which pod has answered, and it is the one that Prometheus counts.
    (answered,) = (o for o in lines() if (o["service"], o["event"]) == ("cart", "request"))
    pod = answered["kubernetes.pod_name"]
    assert metrics.ask(f'sum({COUNTED[:-1]},pod="{pod}"}})') == [1.0]
