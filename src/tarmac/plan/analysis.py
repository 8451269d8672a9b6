"""How a new version is judged while it has a part of the traffic: one analysis for all controllers.

Pure. Flagger's and Argo Rollouts' objects are rendered from it, and `decide` says what both make of
what they see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tarmac.base.written import duration
from tarmac.plan.slo.indicator import BROKEN_OFF, USERS

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan, Workload

#: Seconds between two scrapes of a service: `interval` of its ServiceMonitor.
SCRAPE_S = 30.0
#: A rate over less has too few samples when one scrape is late (prometheus.io: rate()).
LEAST_WINDOW_S = 4 * SCRAPE_S
#: The Service that the operator makes for each Prometheus of a namespace, whatever its chart's
#: release is called.
PROMETHEUS = "http://prometheus-operated.{namespace}:9090"
#: Seconds in which pods of a new version must be ready, or it is taken back.
READY_WITHIN_S = 600

By = Literal["flagger", "argo"]
Verdict = Literal["promote", "hold", "abort"]


@dataclass(frozen=True)
class Analysis:
    """What a new version of a service is tried by."""

    service: str
    namespace: str
    #: Percent of the traffic, step by step.
    weights: tuple[int, ...]
    #: Seconds between two analysis runs; a step needs one that passes.
    every_s: float
    #: After so many failed runs, at any steps, it is rolled back.
    failures: int
    #: Percent of the requests without a 5xx, at least.
    success: float
    p99_s: float
    #: An analysis run with fewer requests fails.
    requests: int
    #: Its own metrics, or those of the mesh's proxy beside it.
    measured: Literal["service", "proxy"]

    @property
    def window_s(self) -> float:
        """How far an analysis run looks back."""
        return max(self.every_s, LEAST_WINDOW_S)


@dataclass(frozen=True)
class Queries:
    """PromQL over the pods of a new version; each is empty where they had too few requests."""

    #: Percent of the requests without a 5xx.
    success: str
    #: Seconds.
    p99: str
    #: 1 where both are as they should be, 0 where one is not.
    good: str


@dataclass(frozen=True)
class AnalysisRun:
    """The measurements of a new version at one time."""

    requests: float
    success: float
    p99_s: float


@dataclass(frozen=True)
class CanaryDecision:
    """The result of all analysis runs so far."""

    verdict: Verdict
    #: Percent of the traffic that the new version has from then on.
    weight: int


def rollout_controller(plan: ClusterPlan, name: str) -> By | None:
    """Return what tries new versions of a service; None where pods are just replaced."""
    rollout = plan.settings.rollout
    if rollout is None or name not in _named(plan) or not plan.workload(name).ports:
        return None
    return rollout.by


def canary_services(plan: ClusterPlan, kind: By) -> tuple[Workload, ...]:
    """List the services whose new versions are tried so."""
    return tuple(
        service for service in plan.services if rollout_controller(plan, service.name) == kind
    )


def _named(plan: ClusterPlan) -> frozenset[str]:
    rollout = plan.settings.rollout
    promised = (objective.service for objective in plan.objectives)
    return frozenset((rollout.services if rollout else ()) or promised)


def analysis(plan: ClusterPlan, workload: Workload) -> Analysis:
    """Return how a service's new versions are judged. Raises ValueError where they are not."""
    rollout = plan.settings.rollout
    if rollout is None:
        raise ValueError(f"{plan.environment} has no `rollout`")
    return Analysis(
        service=workload.name,
        namespace=plan.namespace,
        weights=rollout.weights,
        every_s=rollout.every,
        failures=rollout.failures,
        success=rollout.success,
        p99_s=rollout.p99,
        requests=rollout.requests,
        measured="proxy" if workload.metrics is None else "service",
    )


def flagger_pods(name: str) -> str:
    """Match the names of a new version's pods: those of the stable one are `NAME-primary-...`.

    Neither of the two parts that a Deployment adds has a dash in it.
    """
    return f"{name}-[a-z0-9]+-[a-z0-9]+"


def hashed_pods(name: str, digest: str) -> str:
    """Match the names of the pods of one revision of a Rollout.

    Args:
        digest: its `rollouts-pod-template-hash`, or what will be replaced by it.
    """
    return f"{name}-{digest}-[a-z0-9]+"


def queries(asked: Analysis, pods: str) -> Queries:
    """Write what is asked of Prometheus.

    Neither counts requests that a client broke off, nor health checks and scrapes, as objectives do
    not: a version without users would have enough requests, and good ones. To a proxy those
    come from where there is no proxy.

    Args:
        pods: a regular expression that matches a new version's pods and no others.
    """
    where = f'namespace="{asked.namespace}",pod=~"{pods}"'
    if asked.measured == "service":
        where += f',container="{asked.service}",{USERS}'
        count, took = "http_requests_total", "http_request_duration_seconds"
        status, unit = "status", 1
    else:
        where += ',reporter="destination",source_workload!="unknown"'
        count, took = "istio_requests_total", "istio_request_duration_milliseconds"
        status, unit = "response_code", 1000
    where += f',{status}!~"{BROKEN_OFF}"'
    back = f"[{duration(asked.window_s, 'm')}]"
    failed = f'sum(rate({count}{{{where},{status}=~"5.."}}{back}))'
    # Where nothing failed there is no such series; where all did, none but such.
    success = f"100 * (1 - ({failed} or vector(0)) / sum(rate({count}{{{where}}}{back})))"
    p99 = f"histogram_quantile(0.99, sum by (le) (rate({took}_bucket{{{where}}}{back})))"
    p99 += f" / {unit}" if unit > 1 else ""
    enough = f"on () (sum(increase({count}{{{where}}}{back})) >= {asked.requests})"
    return Queries(
        success=f"{success}\nand {enough}",
        p99=f"{p99}\nand {enough}",
        good=f"({success} >= bool {asked.success:g})\n"
        f"* on () ({p99} <= bool {asked.p99_s:g})\nand {enough}",
    )


def is_good(asked: Analysis, run: AnalysisRun) -> bool:
    """Tell whether an analysis run passes."""
    enough = run.requests >= asked.requests
    return enough and run.success >= asked.success and run.p99_s <= asked.p99_s


def decide(asked: Analysis, runs: Iterable[AnalysisRun]) -> CanaryDecision:
    """Decide on a version: a passed run takes it a step on, a failed one holds it.

    After the last step's passed run it gets all traffic; after too many failed ones, none.
    """
    step = bad = 0
    for run in runs:
        if is_good(asked, run):
            step += 1
        else:
            bad += 1
        if bad >= asked.failures:
            return CanaryDecision("abort", 0)
        if step == len(asked.weights):
            return CanaryDecision("promote", 100)
    return CanaryDecision("hold", asked.weights[step])
