"""What panels ask Prometheus: the parts of queries, from a plan.

Every query names series that assets/signals.yaml has. One that can be empty on a good day (errors,
retries) is filled up with nought times what is always there: an empty panel then means that
nothing is measured, and never that nothing is wrong.
"""

from __future__ import annotations

from tarmac import signals
from tarmac.launch import redact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render._panels import RED, YELLOW, Query

#: Long enough for four scrapes; Grafana fills it in.
WINDOW = "$__rate_interval"
#: A saturation from which somebody should look, and one from which it hurts.
FULL = {0.8: YELLOW, 0.95: RED}
#: What probes and Prometheus itself ask is nobody's request.
USERS = 'route!~"/health(/.*)?|/metrics"'

#: Recorded: how often a service was deployed in the last day (render/_deployments.py).
DEPLOYMENTS = "service:deployments:count1d"


def observed(plan: ClusterPlan) -> tuple[Workload, ...]:
    """List the services that give metrics."""
    return tuple(each for each in plan.services if each.metrics is not None)


def where(plan: ClusterPlan, workload: Workload | None = None, *more: str) -> str:
    """Write what selects a service's own series; those of all of them without one."""
    parts = [f'namespace="{plan.namespace}"']
    parts += [f'service="{workload.name}"'] if workload else []
    return "{" + ",".join((*parts, *more)) + "}"


def share(part: str, whole: str, by: str = "") -> str:
    """Divide two sums of rates; 0 where there is no part, and where nothing happens at all."""
    some, every = rate(part, by), rate(whole, by)
    return f"({some} or 0 * {every}) / ({every} > 0) or 0 * {every}"


def rate(series: str, by: str = "") -> str:
    """Sum up a counter's rate."""
    return f"sum by ({by}) (rate({series}[{WINDOW}]))" if by else f"sum (rate({series}[{WINDOW}]))"


def quantile(of: float, buckets: str, by: str = "") -> str:
    """Estimate a quantile from a histogram's buckets."""
    grouped = f"le, {by}" if by else "le"
    return f"histogram_quantile({of:g}, sum by ({grouped}) (rate({buckets}[{WINDOW}])))"


def by_class(plan: ClusterPlan, workload: Workload) -> tuple[Query, ...]:
    """Ask for requests by the class of their status."""
    every = rate("http_requests_total" + where(plan, workload, USERS))
    found = []
    for first in (2, 3, 4, 5):
        status = f'status=~"{first}.."'
        own = rate("http_requests_total" + where(plan, workload, USERS, status))
        found.append(Query(f"{own} or 0 * {every}", f"{first}xx"))
    return tuple(found)


def errors(plan: ClusterPlan, workload: Workload | None, by: str = "") -> str:
    """Ask for the share of requests that ended with 5xx."""
    name = "http_requests_total"
    failed = name + where(plan, workload, USERS, 'status=~"5.."')
    return share(failed, name + where(plan, workload, USERS), by)


def latency(plan: ClusterPlan, workload: Workload) -> float | None:
    """Find the seconds within which a service promises to answer."""
    own = (each for each in plan.objectives if each.service == workload.name)
    return next((each.latency for each in own if each.latency is not None), None)


def firing(plan: ClusterPlan) -> str:
    """Select the alerts that fire for any part of the system."""
    names = "|".join(each.name for each in plan.workloads)
    return f'ALERTS{{alertstate="firing",service=~"{names}"}}'


def is_asked(plan: ClusterPlan, workload: Workload) -> bool:
    """Tell whether anybody sends it requests: one that works off messages alone gets none."""
    return any(each.target == workload.name for each in plan.allowed)


def has(workload: Workload, metric: str) -> bool:
    """Tell whether a part of a service exports a metric that is only some parts'."""
    return exports(workload, signals.read()[metric])


def exports(workload: Workload, signal: signals.Signal) -> bool:
    """Tell whether one of the parts that export a metric is in a service."""
    return any(f"tarmac_{part}" in workload.parts for part in signal.parts)


def given(workload: Workload, variable: str) -> str:
    """Read a variable of a service; empty where it has none."""
    setting = workload.env.get(variable)
    return redact(setting.value) if setting else ""
