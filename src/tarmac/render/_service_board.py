"""What is worth seeing of one service: what it is asked, how full it is, and whom it waits for."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.model.value import amount
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render._panels import RED, Board, Panel, Query, Row
from tarmac.render._queries import (
    FULL,
    USERS,
    WINDOW,
    by_class,
    errors,
    given,
    has,
    is_asked,
    latency,
    quantile,
    rate,
    share,
    where,
)

#: The part that hands requests on as they come, and has no breaker.
PASSES_ON = "tarmac_gateway"
#: client_breaker_state.
BREAKER = {"0": "closed", "1": "half-open", "2": "open"}


def service_board(plan: ClusterPlan, workload: Workload) -> Board:
    """Show one service: what it is asked, how full it is, and whom it waits for."""
    rows = (
        *([_requests(plan, workload)] if is_asked(plan, workload) else []),
        _saturation(plan, workload),
        *dependencies(plan, workload),
        *events(plan, workload),
        *_jobs(plan, workload),
        *_cache(plan, workload),
        *_captures(plan, workload),
    )
    about = f"{workload.about or workload.name}, in namespace {plan.namespace}."
    name = f"service-{workload.name}"
    return Board(name, f"{plan.system} / {workload.name}", about, rows)


def _requests(plan: ClusterPlan, workload: Workload) -> Row:
    own = where(plan, workload, USERS)
    promised = latency(plan, workload)
    marks = {promised: RED} if promised else None
    buckets = f"http_request_duration_seconds_bucket{own}"
    quantiles = ((0.5, "P50"), (0.95, "P95"), (0.99, "P99"))
    return Row(
        "Requests",
        (
            Panel(
                "Requests by status class",
                "reqps",
                by_class(plan, workload),
                "What users asked and how it ended; probes and scrapes are left out.",
                stacked=True,
            ),
            Panel(
                "Share of requests that failed",
                "percentunit",
                (Query(errors(plan, workload), "5xx"),),
                "A 5xx is the service's own fault, or of somebody that it waits for.",
            ),
            Panel(
                "Duration",
                "s",
                tuple(Query(quantile(each, buckets), name) for each, name in quantiles),
                "From the request's head to the end of its answer. The line is the objective.",
                marks=marks,
            ),
            Panel(
                "P95 by route",
                "s",
                (Query(quantile(0.95, buckets, "method, route"), "{{method}} {{route}}"),),
                "Which route is the slow one.",
                marks=marks,
            ),
            Panel(
                "Requests by route",
                "reqps",
                (
                    Query(
                        rate(f"http_requests_total{own}", "method, route"), "{{method}} {{route}}"
                    ),
                ),
                "Which route is asked how often.",
            ),
            Panel(
                "Requests in hand",
                "short",
                (
                    Query(
                        f"sum by (pod) (http_requests_in_flight{where(plan, workload)})", "{{pod}}"
                    ),
                ),
                "Grows when answers are slower than questions come in.",
            ),
        ),
    )


def _saturation(plan: ClusterPlan, workload: Workload) -> Row:
    job = f'{{namespace="{plan.namespace}",job="{workload.name}"}}'
    limits = {name: float(amount(most)) for name, most in workload.resources.limits.items()}
    cores, memory = limits.get("cpu"), limits.get("memory")
    pods = f'{{namespace="{plan.namespace}",container="{workload.name}"}}'
    deployment = f'{{namespace="{plan.namespace}",deployment="{workload.name}"}}'
    return Row(
        "Saturation",
        (
            Panel(
                "CPU by pod",
                "short",
                (
                    Query(
                        f"sum by (pod) (rate(process_cpu_seconds_total{job}[{WINDOW}]))", "{{pod}}"
                    ),
                ),
                "Cores that the process takes. The line is its limit: there it is slowed.",
                marks={cores: RED} if cores else None,
            ),
            Panel(
                "Memory by pod",
                "bytes",
                (Query(f"sum by (pod) (process_resident_memory_bytes{job})", "{{pod}}"),),
                "The line is the limit: past it the pod is killed.",
                marks={memory: RED} if memory else None,
            ),
            Panel(
                "Open files",
                "percentunit",
                (Query(f"max by (pod) (process_open_fds{job} / process_max_fds{job})", "{{pod}}"),),
                "Connections among them: without a free one nobody is answered.",
                marks=FULL,
                most=1,
            ),
            Panel(
                "Time since start",
                "s",
                (Query(f"time() - max by (pod) (process_start_time_seconds{job})", "{{pod}}"),),
                "Falls to nothing where a pod was replaced or crashed.",
            ),
            Panel(
                "Pods: wanted and available",
                "short",
                (
                    Query(f"sum (kube_deployment_spec_replicas{deployment})", "wanted"),
                    Query(
                        f"sum (kube_deployment_status_replicas_available{deployment})", "available"
                    ),
                ),
                "Fewer than wanted: a rollout, a node that goes, or pods that do not get ready.",
            ),
            Panel(
                "CPU periods in which it was slowed",
                "cps",
                (
                    Query(
                        rate(f"container_cpu_cfs_throttled_periods_total{pods}", "pod"), "{{pod}}"
                    ),
                ),
                "Out of ten in a second. Slow answers with idle nodes have this reason.",
            ),
        ),
    )


def dependencies(plan: ClusterPlan, workload: Workload) -> Iterator[Row]:
    """Show whom it calls: not where the only call fetches keys, which is not counted."""
    if not any(name.endswith("_TIMEOUT_S") for name in workload.env):
        return
    calls = "client_requests_total" + where(plan, workload)
    failed = "client_requests_total" + where(plan, workload, 'outcome!~"2xx|3xx|4xx"')
    retried = "client_retries_total" + where(plan, workload)
    of = (e.target for e in plan.allowed if e.source == workload.name)
    targets = ", ".join(t for t in of if any(t == each.name for each in plan.services))
    panels = [
        Panel(
            "Calls by role and outcome",
            "reqps",
            (Query(rate(calls, "role, outcome"), "{{role}} {{outcome}}"),),
            f"Attempts, repeated ones too. Declared in the model: {targets}.",
        ),
        Panel(
            "Share of calls that failed",
            "percentunit",
            (Query(share(failed, calls, "role"), "{{role}}"),),
            "No answer, none in time, a 5xx, or refused by the open breaker.",
        ),
    ]
    panels.append(
        Panel(
            "Repeated calls",
            "reqps",
            (Query(f"{rate(retried, 'role')} or 0 * {rate(calls, 'role')}", "{{role}}"),),
            "Made, or refused since too many were: more than a fifth of all calls never is.",
        )
    )
    if PASSES_ON not in workload.parts:
        breakers = f"client_breaker_state{where(plan, workload)}"
        panels.append(
            Panel(
                "Circuit breakers",
                "short",
                (Query(f"max by (role) ({breakers})", "{{role}}"),),
                "0 closed, 1 half-open, 2 open: calls are refused at once.",
                most=2,
                words=BREAKER,
            )
        )
    yield Row("Whom it waits for", tuple(panels))


def events(plan: ClusterPlan, workload: Workload) -> Iterator[Row]:
    """Show what it publishes and consumes, where it does."""
    own, kept = where(plan, workload), bool(given(workload, "DATABASE_URL"))
    captured = has(workload, "capture_published_total")
    panels: list[Panel] = []
    relayed = given(workload, "OUTBOX_RELAY") != "capture"
    if kept and relayed and not captured and given(workload, "PUBLISHES"):
        panels += [
            Panel(
                "Events published",
                "cps",
                (Query(rate(f"outbox_published_total{own}", "topic"), "{{topic}}"),),
                "Rows of the outbox that the broker took.",
            ),
            Panel(
                "Events that wait",
                "short",
                (Query(f"max (outbox_waiting{own})", "waiting"),),
                "Committed and not published. Grows while the broker is away; nothing is lost.",
            ),
            Panel(
                "Age of the oldest event that waits",
                "s",
                (Query(f"max (outbox_oldest_seconds{own})", "oldest"),),
                "For so long others have not heard of what happened here.",
            ),
        ]
    if given(workload, "CONSUMES"):
        panels.append(
            Panel(
                "Messages by result",
                "cps",
                (
                    Query(
                        rate(f"messages_consumed_total{own}", "topic, result"),
                        "{{topic}} {{result}}",
                    ),
                ),
                "ok, retry, or parked for a person to look at.",
            )
        )
        if kept:
            panels.append(
                Panel(
                    "Messages set aside",
                    "short",
                    (Query(f"max by (state) (messages_set_aside{own})", "{{state}}"),),
                    "Parked ones are tried no more: `tarmac parked` lists them.",
                )
            )
    if panels:
        yield Row("Events", tuple(panels))


def _jobs(plan: ClusterPlan, workload: Workload) -> Iterator[Row]:
    if not has(workload, "jobs"):
        return
    own = where(plan, workload)
    yield Row(
        "Jobs",
        (
            Panel(
                "Jobs that are not done",
                "short",
                (Query(f"max by (state) (jobs{own})", "{{state}}"),),
                "Queued, running, or parked for a person to look at.",
            ),
            Panel(
                "Runs by result",
                "cps",
                (Query(rate(f"job_runs_total{own}", "kind, result"), "{{kind}} {{result}}"),),
                "done, retry, later, parked, or lost by a crash and begun again.",
            ),
        ),
    )


def _cache(plan: ClusterPlan, workload: Workload) -> Iterator[Row]:
    if "REDIS_URL" not in workload.env:
        return
    total = "cache_operations_total"
    failed = total + where(plan, workload, 'result="error"')
    every = total + where(plan, workload)
    yield Row(
        "Cache",
        (
            Panel(
                "Operations by result",
                "cps",
                (Query(rate(every, "operation, result"), "{{operation}} {{result}}"),),
                "A miss is answered by the database, and so is an error: later, not wrongly.",
            ),
            Panel(
                "Share that failed",
                "percentunit",
                (Query(share(failed, every), "error"),),
                "The cache is away, or slower than the database that it stands before.",
            ),
        ),
    )


def _captures(plan: ClusterPlan, workload: Workload) -> Iterator[Row]:
    if not has(workload, "capture_published_total"):
        return
    own = where(plan, workload)
    yield Row(
        "Captured changes",
        (
            Panel(
                "Events published",
                "cps",
                (Query(rate(f"capture_published_total{own}", "topic"), "{{topic}}"),),
                "Read from the database's log of changes.",
            ),
            Panel(
                "Log that the slot holds back",
                "bytes",
                (Query(f"max (capture_slot_lag_bytes{own})", "behind"),),
                "The database keeps it on its disk. From 1 GiB on the slot is given up, and what "
                "it missed is read from the tables.",
                marks={2.0**30: RED},
            ),
            Panel(
                "From commit to broker",
                "s",
                (
                    Query(quantile(0.5, f"capture_latency_seconds_bucket{own}"), "P50"),
                    Query(quantile(0.95, f"capture_latency_seconds_bucket{own}"), "P95"),
                ),
                "How much later than the change itself others hear of it.",
            ),
        ),
    )
