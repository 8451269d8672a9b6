"""Values for kube-prometheus-stack: Prometheus with its operator, Alertmanager and Grafana."""

from __future__ import annotations

from typing import Any

from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render import texts
from tarmac.render.observability.charts.values import chart_values
from tarmac.render.texts import Value, given

DAY_S = 86400
#: What is kept by default.
LEAST_S = 15 * DAY_S
#: Beyond the longest window: on a Monday the one that ended on Friday is still there as a whole.
BEYOND_S = 3 * DAY_S
#: What is asked for traces listens there.
TRACES = {"tempo": "3200", "jaeger": "16686"}
#: A cloud that runs the control plane does not expose these.
HIDDEN = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")

NOTES = (
    "It takes every monitor and rule of every namespace, of any owner: the chart's own choice",
    "would be those with its release's label, and none of a system's.",
    "Grafana's first user is in the Secret that `admin` names: make it before you install.",
)


def kept_s(plan: ClusterPlan) -> float:
    """Return how long metrics are kept: an error budget is wrong over a window that is cut off."""
    observability = plan.settings.observability
    if observability and observability.retention is not None:
        return observability.retention
    objectives = (MeasuredObjective(wanted, plan.namespace) for wanted in plan.objectives)
    longest_s = max((objective.longest_s for objective in objectives), default=0)
    return max(LEAST_S, longest_s + BEYOND_S)


def stack(plan: ClusterPlan, alertmanager: dict[str, Any] | None = None) -> dict[str, Any]:
    """Watch the cluster, and keep what it says.

    Args:
        alertmanager: receivers and routes, as the values of this chart.
    """
    found = chart_values(
        "kube-prometheus-stack",
        {
            "retention": duration(kept_s(plan)),
            "system": plan.system,
            "environment": plan.environment,
            "domain": plan.domain,
            "space": plan.settings.monitoring,
            **_sources(plan),
        },
    )
    own, more = found["alertmanager"], alertmanager or {}
    spec = {**own.pop("alertmanagerSpec"), **more.get("alertmanagerSpec", {})}
    found["alertmanager"] = {**own, **more, "alertmanagerSpec": spec}
    if plan.settings.mesh:
        found["prometheus"]["prometheusSpec"] |= texts.filled_asset("mesh/prometheus.yaml", {})
    hidden = HIDDEN if plan.settings.cloud else ()
    return {**found, **{name: {"enabled": False} for name in hidden}}


def _sources(plan: ClusterPlan) -> dict[str, Value]:
    """Tell what Grafana asks besides Prometheus."""
    observability = plan.settings.observability
    logs = observability is not None and bool(observability.logs)
    traces = observability.traces if observability else None
    asked = (
        {"title": traces.capitalize(), "traces": traces, "port": TRACES[traces]} if traces else {}
    )
    traced = (asked,) if asked else ()
    return {
        "loki_alone": given(logs and not traces),
        "loki_traced": traced if logs else (),
        "traced": traced,
    }
