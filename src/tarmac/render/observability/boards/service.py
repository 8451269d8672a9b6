"""The dashboard of one service: its requests, its saturation, its dependencies, its events."""

from __future__ import annotations

from tarmac.base.written import amount
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.alerting.subjects import has
from tarmac.render.observability.boards.panels import Board
from tarmac.render.observability.boards.queries import is_called, latency, setting
from tarmac.render.observability.boards.read import FOLDER, one, rows
from tarmac.render.texts import Value, given

#: The part that passes requests on as they come, and has no breaker.
PASSES_ON = "tarmac_gateway"


def service_board(plan: ClusterPlan, workload: Workload) -> Board:
    """Show one service: its requests, how saturated it is, and its dependencies."""
    called = (edge.target for edge in plan.allowed if edge.source == workload.name)
    services = {service.name for service in plan.services}
    limits = {name: float(amount(most)) for name, most in workload.resources.limits.items()}
    values: dict[str, Value] = {
        "namespace": plan.namespace,
        "service": workload.name,
        "targets": ", ".join(target for target in called if target in services),
        "called": given(is_called(plan, workload)),
        "latency": one("latency_s", latency(plan, workload)),
        "cpu": one("cores", limits.get("cpu")),
        "memory": one("bytes", limits.get("memory")),
        "jobs": given(has(workload, "jobs")),
        "cache": given("REDIS_URL" in workload.env),
        "captures": given(has(workload, "capture_published_total")),
        **traffic(workload),
    }
    about = f"{workload.about or workload.name}, in namespace {plan.namespace}."
    title = f"{plan.system} / {workload.name}"
    return Board(f"service-{workload.name}", title, about, rows(FOLDER / "service.yaml", values))


def traffic(workload: Workload) -> dict[str, Value]:
    """List the traffic of a service with others: calls, events that it publishes or consumes."""
    keeps = bool(setting(workload, "DATABASE_URL"))
    captured = has(workload, "capture_published_total")
    relayed = setting(workload, "OUTBOX_RELAY") != "capture" and not captured
    consumes = bool(setting(workload, "CONSUMES"))
    # Not where the only call fetches keys, which is not counted.
    calls = any(name.endswith("_TIMEOUT_S") for name in workload.env)
    return {
        "calls": given(calls),
        "breakers": given(PASSES_ON not in workload.parts),
        "relays": given(keeps and relayed and setting(workload, "PUBLISHES")),
        "consumes": given(consumes),
        "keeps": given(consumes and keeps),
    }
