"""What is worth seeing of a whole system: its services beside each other, where to look first."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _argocd
from tarmac.render._panels import GREEN, RED, YELLOW, Board, Panel, Query, Row
from tarmac.render._queries import (
    DEPLOYMENTS,
    USERS,
    WINDOW,
    errors,
    firing,
    observed,
    quantile,
    rate,
    share,
    where,
)
from tarmac.render._service_board import dependencies, events


def system_board(plan: ClusterPlan) -> Board:
    """Show all services beside each other: where to look first."""
    rows = [_health(plan), _beside(plan), *_between(plan), _deployed(plan), _pods_of_all(plan)]
    about = f"All services of {plan.system} in {plan.environment}. Each has a dashboard of its own."
    return Board("overview", f"{plan.system} / overview", about, tuple(rows))


def _health(plan: ClusterPlan) -> Row:
    jobs = "|".join(each.name for each in observed(plan))
    up = f'up{{namespace="{plan.namespace}",job=~"{jobs}"}}'
    return Row(
        "Now",
        (
            Panel(
                "Alerts that fire",
                "short",
                (Query(f"count ({firing(plan)}) or vector(0)", "firing"),),
                "Each has a runbook.",
                kind="stat",
                marks={1: RED},
                width=6,
            ),
            Panel(
                "Pods that answer Prometheus",
                "percentunit",
                (Query(f"avg ({up})", "up"),),
                "Of those that it knows; one that is gone altogether is not counted.",
                kind="stat",
                marks={0: RED, 0.9: YELLOW, 1: GREEN},
                width=6,
            ),
            Panel(
                "Pods by service",
                "short",
                (Query(f"sum by (job) ({up})", "{{job}}"),),
                "That are up and answer.",
            ),
        ),
    )


def _beside(plan: ClusterPlan) -> Row:
    own = where(plan, None, USERS)
    return Row(
        "Services",
        (
            Panel(
                "Requests",
                "reqps",
                (Query(rate(f"http_requests_total{own}", "service"), "{{service}}"),),
                "Probes and scrapes are left out.",
            ),
            Panel(
                "Share of requests that failed",
                "percentunit",
                (Query(errors(plan, None, "service"), "{{service}}"),),
                "5xx. The one furthest behind is most often the reason: look at whom it waits for.",
            ),
            Panel(
                "P95 of durations",
                "s",
                (
                    Query(
                        quantile(0.95, f"http_request_duration_seconds_bucket{own}", "service"),
                        "{{service}}",
                    ),
                ),
                "Nineteen of twenty requests were faster.",
            ),
            Panel(
                "Requests in hand",
                "short",
                (Query(f"sum by (service) (http_requests_in_flight{where(plan)})", "{{service}}"),),
                "Grows in whoever waits.",
            ),
        ),
    )


def _between(plan: ClusterPlan) -> Iterator[Row]:
    own = where(plan)
    panels: list[Panel] = []
    if any(row for each in observed(plan) for row in dependencies(plan, each)):
        calls = f"client_requests_total{own}"
        failed = "client_requests_total" + where(plan, None, 'outcome!~"2xx|3xx|4xx"')
        panels.append(
            Panel(
                "Share of calls that failed",
                "percentunit",
                (Query(share(failed, calls, "service, role"), "{{service}} -> {{role}}"),),
                "By who calls and what it calls.",
            )
        )
    titles = {
        panel.title for each in observed(plan) for row in events(plan, each) for panel in row.panels
    }
    if "Events that wait" in titles:
        panels.append(
            Panel(
                "Events that wait",
                "short",
                (Query(f"max by (service) (outbox_waiting{own})", "{{service}}"),),
                "Committed and not published yet.",
            )
        )
    if "Messages by result" in titles:
        panels.append(
            Panel(
                "Messages by topic",
                "cps",
                (
                    Query(
                        rate(f"messages_consumed_total{own}", "service, topic"),
                        "{{service}} {{topic}}",
                    ),
                ),
                "As they are taken, repeated ones too.",
            )
        )
    if "Messages set aside" in titles:
        panels.append(
            Panel(
                "Messages that are parked",
                "short",
                (
                    Query(
                        "max by (service) (messages_set_aside"
                        + where(plan, None, 'state="parked"')
                        + ")",
                        "{{service}}",
                    ),
                ),
                "They wait for a person: `tarmac parked` lists them.",
                marks={1: RED},
            )
        )
    if panels:
        yield Row("Between services", tuple(panels))


def _deployed(plan: ClusterPlan) -> Row:
    panels = [
        Panel(
            "Deployments in a day",
            "short",
            (Query(DEPLOYMENTS + where(plan), "{{service}}"),),
            "New sets of pods in the last 24 hours: a version, a setting, a restart by hand. Going "
            "back to a set that is still kept makes none.",
            stacked=True,
        )
    ]
    if plan.settings.gitops and _argocd.repository(plan):
        syncs = f'argocd_app_sync_total{{project="{_argocd.project(plan)}"}}'
        panels.append(
            Panel(
                "Syncs in a day",
                "short",
                (Query(f"sum by (phase) (increase({syncs}[1d]))", "{{phase}}"),),
                "What Argo CD did, by how it ended; also where it put back what somebody changed. "
                "It counts from its own start on, and the first of each sort is not seen.",
            )
        )
    return Row("Deployments", tuple(panels))


def _pods_of_all(plan: ClusterPlan) -> Row:
    space = f'{{namespace="{plan.namespace}"}}'
    return Row(
        "Pods",
        (
            Panel(
                "Restarts",
                "short",
                (
                    Query(
                        "sum by (container) (increase("
                        f"kube_pod_container_status_restarts_total{space}[{WINDOW}]))",
                        "{{container}}",
                    ),
                ),
                "Crashes, and pods killed for their memory or a probe.",
            ),
            Panel(
                "Pods that wait",
                "short",
                (
                    Query(
                        "sum by (reason) (kube_pod_container_status_waiting_reason"
                        f"{space}) or 0 * sum (kube_pod_status_phase{space})",
                        "{{reason}}",
                    ),
                ),
                "CrashLoopBackOff, ImagePullBackOff and the like.",
            ),
            Panel(
                "CPU by container",
                "short",
                (
                    Query(
                        rate(
                            "container_cpu_usage_seconds_total"
                            f'{{namespace="{plan.namespace}",container!=""}}',
                            "container",
                        ),
                        "{{container}}",
                    ),
                ),
                "Cores, sidecars by their own names.",
            ),
            Panel(
                "Memory by container",
                "bytes",
                (
                    Query(
                        "sum by (container) (container_memory_working_set_bytes"
                        f'{{namespace="{plan.namespace}",container!=""}})',
                        "{{container}}",
                    ),
                ),
                "What counts towards the limit.",
            ),
        ),
    )
