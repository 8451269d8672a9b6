"""Datadog in place of Prometheus: what its agent reads, and definitions as its API has them.

The kit's metrics are read as OpenMetrics, so a counter loses `_total` and gains `.count`, and a
histogram becomes a distribution (docs.datadoghq.com/integrations/guide/prometheus-metrics).
"""

from __future__ import annotations

from typing import Any

from tarmac.base import signals
from tarmac.model import conventions
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.alerting.subjects import exports, has, watched
from tarmac.render.observability.charts.traces import PORTS
from tarmac.render.observability.charts.values import chart_values

#: Probes and scrapes are not requests of users.
USERS = "!route:/health*,!route:/metrics"


def space(plan: ClusterPlan) -> str:
    """Return the prefix of every metric: a system's name where dashes are not allowed."""
    return plan.system.replace("-", "_")


def agent(plan: ClusterPlan) -> dict[str, Any]:
    """Run the agent on each node: metrics of the services, all logs, the cluster's own state."""
    given = {"system": plan.system, "environment": plan.environment, "owner": plan.owner}
    found = chart_values("datadog", {**PORTS, **given})
    reads = [_read(plan, service) for service in watched(plan)]
    found["datadog"]["prometheusScrape"]["additionalConfigs"] = reads
    return found


def _read(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    kit = {signal for signal in signals.read().values() if signal.exporter == "kit"}
    own = {signal.name for signal in kit if not signal.parts or exports(workload, signal)}
    return {
        "autodiscovery": {"kubernetes_container_names": [workload.name]},
        "configurations": [
            {
                "openmetrics_endpoint": (
                    f"http://%%host%%:{workload.metrics}{conventions.METRICS_PATH}"
                ),
                "namespace": space(plan),
                "metrics": sorted(name.removesuffix("_total") for name in own),
                "histogram_buckets_as_distributions": True,
                "collect_counters_with_distributions": True,
            }
        ],
    }


def dashboard(plan: ClusterPlan) -> dict[str, Any]:
    """Show each service: its requests, their results and durations, and its dependencies."""
    return {
        "title": f"{plan.system} / {plan.environment}",
        "description": f"Made from {plan.model}: change it there.",
        "layout_type": "ordered",
        "reflow_type": "auto",
        "template_variables": [
            {"name": "env", "prefix": "env", "defaults": [plan.environment]},
        ],
        "widgets": [
            {
                "definition": {
                    "type": "group",
                    "layout_type": "ordered",
                    "title": service.name,
                    "widgets": _widgets(plan, service),
                }
            }
            for service in watched(plan)
        ],
    }


def _widgets(plan: ClusterPlan, workload: Workload) -> list[dict[str, Any]]:
    own, users = f"$env,service:{workload.name}", f"$env,service:{workload.name},{USERS}"
    name = space(plan)
    count, took = f"{name}.http_requests.count", f"{name}.http_request_duration_seconds"
    failed = f"sum:{count}{{{users},status:5*}}.as_count()"
    every = f"sum:{count}{{{users}}}.as_count()"
    found = [
        _widget("Requests by status", f"sum:{count}{{{users}}} by {{status}}.as_rate()"),
        _widget("Share of failed requests", failed, every, formula="default_zero(a) / b * 100"),
        _widget("P95 of durations, s", f"p95:{took}{{{users}}}"),
        _widget("Requests in flight", f"sum:{name}.http_requests_in_flight{{{own}}}"),
        _widget("Memory", f"max:{name}.process_resident_memory_bytes{{{own}}} by {{pod_name}}"),
        _widget("CPU", f"sum:{name}.process_cpu_seconds.count{{{own}}} by {{pod_name}}.as_rate()"),
    ]
    if any(variable.endswith("_TIMEOUT_S") for variable in workload.env):
        calls = f"sum:{name}.client_requests.count{{{own}}} by {{role,outcome}}.as_rate()"
        found.append(_widget("Calls by role and outcome", calls))
    if "REDIS_URL" in workload.env:
        cached = f"sum:{name}.cache_operations.count{{{own}}} by {{operation,result}}.as_rate()"
        found.append(_widget("Cache by result", cached))
    if has(workload, "jobs"):
        found.append(_widget("Unfinished jobs", f"max:{name}.jobs{{{own}}} by {{state}}"))
    return found


def _widget(title: str, *queries: str, formula: str = "a") -> dict[str, Any]:
    asked = [
        {"data_source": "metrics", "name": "ab"[number], "query": query}
        for number, query in enumerate(queries)
    ]
    request = {
        "response_format": "timeseries",
        "queries": asked,
        "formulas": [{"formula": formula}],
        "display_type": "line",
    }
    return {"definition": {"type": "timeseries", "title": title, "requests": [request]}}
