"""Alerts on services: pods that end, answers that fail or are late, calls that are not made."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.render._alert import Alert, Book, Line, Trial, either, watched

#: Of ten attempts in a row that fail a breaker's circuit opens; it is asked again after seconds, so
#: one that is seen open in most scrapes has been for a while.
BREAKER_OPEN = 2
#: A caller of the kit gives up after 2 s (tarmac_kit.chassis: client), an attempt of its own
#: included: who needs half of that for one answer in twenty is close to failing its callers.
SLOW_S = 1.0
#: One answer in twenty: for services that promise nothing; those that do have an objective.
FAILING = 0.05
#: What probes and Prometheus itself ask is nobody's request; a pod that is not ready answers 503.
USERS = 'route!~"/health(/.*)?|/metrics"'


def _kubectl(plan: ClusterPlan, what: str) -> str:
    return f"kubectl -n {plan.namespace} {what}"


def _pods(plan: ClusterPlan) -> tuple[str, str]:
    listed = "get pods -l app.kubernetes.io/name=$SERVICE -o wide"
    return ("Its pods: state, restarts, nodes", _kubectl(plan, listed))


def _log(plan: ClusterPlan) -> tuple[str, str]:
    said = "logs -l app.kubernetes.io/name=$SERVICE --tail=100 --prefix"
    return ("What it says", _kubectl(plan, said))


def _undo(plan: ClusterPlan) -> str:
    if plan.settings.gitops:
        return (
            "A version that came in the last hour: revert its commit in the repository of rendered "
            "files; Argo CD puts it back. `kubectl rollout undo` would be undone by Argo CD."
        )
    undo = _kubectl(plan, "rollout undo deployment/$SERVICE")
    return f"A version that came in the last hour: `{undo}`."


def restarts(plan: ClusterPlan) -> Iterator[Alert]:
    """Pods that are restarted, and those that no longer start."""
    names = tuple(each.name for each in plan.workloads)
    own = f'namespace="{plan.namespace}",container=~"{either(names)}"'
    first = plan.services[0].name
    series = f'namespace="{plan.namespace}",pod="{first}-0",uid="1",container="{first}"'
    ended = (
        "Why the last container ended (exit code 137: out of memory or killed by a probe)",
        _kubectl(plan, "describe pod -l app.kubernetes.io/name=$SERVICE | grep -A6 'Last State'"),
    )
    before = (
        "What it said before it ended",
        _kubectl(plan, "logs -l app.kubernetes.io/name=$SERVICE --previous --tail=50"),
    )
    counted = (
        f"sum by (container) (increase(kube_pod_container_status_restarts_total{{{own}}}[30m]))"
    )
    yield Alert(
        name="PodRestarts",
        severity="warning",
        expr=f'label_replace({counted} >= 2, "service", "$1", "container", "(.+)")',
        overview=True,
        for_m=1,
        summary="{{ $labels.service }} is restarted again and again",
        description="Containers of {{ $labels.service }} ended {{ $value | humanize }} times "
        "within half an hour.",
        trial=Trial(
            (Line(f"kube_pod_container_status_restarts_total{{{series}}}", 0, 1, 0.06, True),),
            {"service": first, "container": first},
            shown="3",
            late_m=2,
            lasts_m=29,
        ),
        book=Book(
            "Containers of the service were started again, twice or more in half an hour.",
            "Requests that a pod held are lost; with other pods left, callers' retries hide most.",
            (_pods(plan), ended, before),
            (
                "It takes more memory than its limit (reason OOMKilled).",
                "Its liveness probe fails: it hangs, or its CPU is throttled.",
                "It ends by itself: an error that nobody caught, a setting that is wrong.",
            ),
            (
                _undo(plan),
                (
                    "OOMKilled without a new version: raise `resources.limits.memory` in the "
                    "model, render, and look for what grew."
                ),
                "A probe that fails while the pod works: it waits for a store (StoreDisconnected).",
            ),
            "It becomes a crash loop on all pods (ServiceDown), or you do not know why after 30 "
            "minutes.",
        ),
    )
    waiting = f'kube_pod_container_status_waiting_reason{{{own},reason="CrashLoopBackOff"}}'
    yield Alert(
        name="CrashLoop",
        severity="warning",
        # The reason comes and goes with each attempt, so it is looked for in five minutes
        # (kubernetes-mixin: KubePodCrashLooping).
        expr=f"label_replace(max by (container) (max_over_time({waiting}[5m])) >= 1, "
        '"service", "$1", "container", "(.+)")',
        overview=True,
        for_m=5,
        summary="A pod of {{ $labels.service }} does not stay up",
        description="A container of {{ $labels.service }} ends soon after each start, and "
        "Kubernetes waits longer each time before the next.",
        trial=Trial(
            (
                Line(
                    "kube_pod_container_status_waiting_reason"
                    f'{{{series},reason="CrashLoopBackOff"}}',
                    0,
                    1,
                    0,
                ),
            ),
            {"service": first, "container": first},
            lasts_m=5,
        ),
        book=Book(
            "A container ends right after its start, each time.",
            "Nobody, as long as other pods of the service are ready; everybody who needs it when "
            "ServiceDown fires too.",
            (before, ended, _pods(plan)),
            (
                "A new version that cannot start: a variable is missing, or its tables are.",
                "A Secret or ConfigMap that was changed or is gone.",
                "Its database refuses its password: credentials were rotated on one side.",
            ),
            (
                _undo(plan),
                (
                    "A missing variable stands in the log, with its name: "
                    f"`{_kubectl(plan, 'get configmap $SERVICE-config -o yaml')}`."
                ),
                f"Secrets that did not come: `{_kubectl(plan, 'get externalsecrets')}`.",
            ),
            "All of its pods are in the loop.",
        ),
    )


def down(plan: ClusterPlan) -> Iterator[Alert]:
    """Services of which no pod answers, and those of which one does not."""
    services = watched(plan)
    names = tuple(each.name for each in services)

    def up(name: str, bad: float | None = None) -> Line:
        port = plan.workload(name).metrics
        target = f'pod="{name}-0",instance="10.0.0.1:{port}",container="{name}"'
        own = f'namespace="{plan.namespace}",job="{name}",service="{name}"'
        return Line(f"up{{{own},{target}}}", 1, bad)

    book = Book(
        "No pod of the service answers Prometheus: none runs, none can be reached, or all hang.",
        "Everybody who calls it. What is published for it waits at the broker and is not lost.",
        (
            _pods(plan),
            (
                "What happened around it",
                _kubectl(plan, "get events --sort-by=.lastTimestamp | tail -30"),
            ),
            ("Whether its address leads anywhere", _kubectl(plan, "get endpoints $SERVICE")),
            _log(plan),
        ),
        (
            "A crash loop on every pod (CrashLoop fires too): most often a new version.",
            (
                "Nothing can be scheduled: nodes are full, or the quota is "
                f"(`{_kubectl(plan, 'describe quota')}`)."
            ),
            (
                "Prometheus may no longer reach it: a NetworkPolicy or the mesh changed. Then "
                "users notice nothing: look at the gateway's dashboard before you act."
            ),
        ),
        (
            _undo(plan),
            (
                "Pods are Pending: the event says what is missing; add nodes, or lower another's "
                "replicas."
            ),
            (
                f"All hang: `{_kubectl(plan, 'rollout restart deployment/$SERVICE')}`, but keep "
                "one log first."
            ),
        ),
        "At once where the service is public or takes money; after 15 minutes otherwise.",
    )
    for name in names:
        yield Alert(
            name="ServiceDown",
            severity="critical",
            expr=f'absent(up{{namespace="{plan.namespace}",job="{name}"}} == 1)',
            for_m=3,
            service=name,
            summary=f"No pod of {name} answers",
            description=f"Prometheus reaches no pod of {name} in {plan.namespace}.",
            trial=Trial(tuple(up(each, 0 if each == name else None) for each in names)),
            book=book,
        )
    yield Alert(
        name="PodUnreachable",
        severity="warning",
        expr=f'count by (service) (up{{namespace="{plan.namespace}",job=~"{either(names)}"}} == 0)',
        for_m=5,
        summary="Some pods of {{ $labels.service }} do not answer",
        description="{{ $value | humanize }} pods of {{ $labels.service }} do not answer.",
        trial=Trial((up(names[0], 0),), {"service": names[0]}, shown="1"),
        book=Book(
            "Pods are there that do not answer when Prometheus asks for their metrics.",
            "Whoever's requests reach such a pod; readiness usually takes it out within 30 s.",
            (_pods(plan), _log(plan)),
            (
                "It hangs, or has too little CPU to answer within 10 s.",
                "Its node is in trouble: are others on the same node?",
            ),
            (
                f"One pod: `{_kubectl(plan, 'delete pod NAME')}`; its budget keeps the others.",
                "One node: `kubectl cordon NODE`, then drain it.",
            ),
            "More than half of its pods are concerned.",
        ),
    )


def answers(plan: ClusterPlan) -> Iterator[Alert]:
    """Answers of services that have no objective of their own: errors and slowness."""
    promised = {(each.service, each.latency is None) for each in plan.objectives}
    asked = tuple(w for w in watched(plan) if {a.target for a in plan.allowed} & {w.name})
    failing = tuple(each.name for each in asked if (each.name, True) not in promised)
    slow = tuple(each.name for each in asked if (each.name, False) not in promised)
    by_route = (
        "Which routes: ask Prometheus",
        (
            f'sum by (route, status) (rate(http_requests_total{{namespace="{plan.namespace}",'
            'service="$SERVICE",status=~"5.."}[5m]))'
        ),
    )
    if failing:
        name = failing[0]
        own = f'namespace="{plan.namespace}",service=~"{either(failing)}",{USERS}'
        series = f'namespace="{plan.namespace}",service="{name}",method="GET",route="/"'
        yield Alert(
            name="ServiceErrors",
            severity="warning",
            expr=f'sum by (service) (rate(http_requests_total{{{own},status=~"5.."}}[5m])) '
            f"/ sum by (service) (rate(http_requests_total{{{own}}}[5m])) > {FAILING}",
            for_m=5,
            summary="{{ $labels.service }} fails more than one request in twenty",
            description="{{ $value | humanizePercentage }} of the answers of {{ $labels.service }} "
            "are errors of its own (5xx).",
            trial=Trial(
                (
                    Line(f'http_requests_total{{{series},status="500"}}', 0, 20, 4, counter=True),
                    Line(f'http_requests_total{{{series},status="200"}}', 80, counter=True),
                ),
                {"service": name},
                shown="20%",
                late_m=2,
                lasts_m=4,
            ),
            book=Book(
                "The service answers with 5xx. It has no objective that says how bad that is.",
                "Its callers; users only as far as a public service passes it on: see whether an "
                "objective's alert fires too.",
                (by_route, _log(plan)),
                (
                    "A store or a service that it calls fails: StoreDisconnected, BreakerOpen.",
                    "A new version: compare the time with its last rollout.",
                ),
                (_undo(plan), "The cause is further down: go on with that alert's page."),
                "An objective's alert fires as well.",
            ),
        )
    if slow:
        name = slow[0]
        own = f'namespace="{plan.namespace}",service=~"{either(slow)}",{USERS}'
        series = (
            f'namespace="{plan.namespace}",service="{name}",method="GET",route="/",status="200"'
        )
        quick = (
            f'sum by (service) (rate(http_request_duration_seconds_bucket{{{own},le="1.0"}}[5m]))'
        )
        every = f"sum by (service) (rate(http_request_duration_seconds_count{{{own}}}[5m]))"
        yield Alert(
            name="ServiceSlow",
            severity="warning",
            expr=f"1 - {quick} / {every} > {FAILING}",
            for_m=10,
            summary="{{ $labels.service }} is slow for more than one request in twenty",
            description="{{ $value | humanizePercentage }} of the answers of {{ $labels.service }} "
            f"take longer than {SLOW_S:g} s; callers give up after 2 s where nothing else is said.",
            trial=Trial(
                (
                    Line(
                        f'http_request_duration_seconds_bucket{{{series},le="1.0"}}',
                        100,
                        80,
                        96,
                        counter=True,
                    ),
                    Line(f"http_request_duration_seconds_count{{{series}}}", 100, counter=True),
                ),
                {"service": name},
                shown="20%",
                late_m=2,
                lasts_m=4,
            ),
            book=Book(
                "One answer in twenty takes longer than a second.",
                "Callers, who wait and then give up; their breakers open next.",
                (
                    (
                        "Which routes: ask Prometheus",
                        (
                            "histogram_quantile(0.95, sum by (route, le) (rate("
                            f'http_request_duration_seconds_bucket{{namespace="{plan.namespace}",'
                            'service="$SERVICE"}[5m])))'
                        ),
                    ),
                    (
                        "Whether its CPU is held back",
                        (
                            "rate(container_cpu_cfs_throttled_periods_total"
                            f'{{namespace="{plan.namespace}",container="$SERVICE"}}[5m])'
                        ),
                    ),
                    _pods(plan),
                ),
                (
                    "Its store is slow: a query without its index, a lock, a disk at its limit.",
                    "More traffic than its pods can take: does ScaledToMost fire?",
                    "Whom it calls is slow: the trace shows where the time goes.",
                ),
                (
                    "At its most pods: raise `replicas.max` in the model and render.",
                    _undo(plan),
                ),
                "An objective's latency alert fires as well.",
            ),
        )


def calls(plan: ClusterPlan) -> Iterator[Alert]:
    """Calls between services: breakers that are open, attempts that fail."""
    callers = {each.name for each in watched(plan) if each.parts}
    edges = [a for a in plan.allowed if a.target_role == "service" and a.source in callers]
    if not edges:
        return
    edge = edges[0]
    series = f'namespace="{plan.namespace}",service="{edge.source}",role="{edge.target}"'
    result = {"service": edge.source, "role": edge.target}
    outcome = (
        "How its calls end: ask Prometheus",
        (
            f'sum by (role, outcome) (rate(client_requests_total{{namespace="{plan.namespace}",'
            'service="$SERVICE"}[5m]))'
        ),
    )
    state = f'client_breaker_state{{namespace="{plan.namespace}"}}'
    yield Alert(
        name="BreakerOpen",
        severity="warning",
        expr=f"max by (service, role) (max_over_time({state}[2m])) == {BREAKER_OPEN}",
        for_m=2,
        summary="{{ $labels.service }} no longer calls {{ $labels.role }}",
        description="The circuit breaker of {{ $labels.service }} towards {{ $labels.role }} is "
        "open: calls are refused at once, and one is let through now and then to see.",
        trial=Trial((Line(f"client_breaker_state{{{series}}}", 0, 2, 1),), result, lasts_m=2),
        book=Book(
            "So many calls failed in a row that the caller stopped making them.",
            "Whoever asks the caller for something that needs the other; some answers are given "
            "without that part.",
            (outcome, ("Its log: the first failure says why", _log(plan)[1])),
            (
                "The service that is called is down or slow: look for its own alerts first.",
                "A NetworkPolicy or the mesh refuses the connection since a change.",
            ),
            (
                (
                    "Mend the service that is called; the breaker closes by itself with the first "
                    "call that succeeds."
                ),
                "Never restart the caller for it: all its pods would ask at once.",
            ),
            "It stays open for 15 minutes with no alert on the service that is called.",
        ),
    )
    total = f'client_requests_total{{namespace="{plan.namespace}"}}'
    bad = f'client_requests_total{{namespace="{plan.namespace}",outcome=~"5xx|error|timeout"}}'
    yield Alert(
        name="CallsFailing",
        severity="warning",
        expr=f"sum by (service, role) (rate({bad}[5m])) "
        f"/ sum by (service, role) (rate({total}[5m])) > {FAILING}",
        for_m=5,
        summary="Calls of {{ $labels.service }} to {{ $labels.role }} fail or are late",
        description="{{ $value | humanizePercentage }} of the attempts of {{ $labels.service }} to "
        "reach {{ $labels.role }} end in an error or take longer than its time-out.",
        trial=Trial(
            (
                Line(
                    f'client_requests_total{{{series},outcome="timeout"}}', 0, 20, 4, counter=True
                ),
                Line(f'client_requests_total{{{series},outcome="2xx"}}', 80, counter=True),
            ),
            result,
            shown="20%",
            late_m=2,
            lasts_m=4,
        ),
        book=Book(
            "Attempts to reach another service fail, or are given up because they take too long.",
            "Users wait longer while retries hide it, and see errors when they no longer do.",
            (outcome, _log(plan)),
            (
                "`timeout`: the service that is called is slow (ServiceSlow, its store).",
                "`error`: the connection is refused or cut: pods go, the mesh, a policy.",
                "`5xx`: it fails by itself (ServiceErrors).",
            ),
            ("Go on at the service that is called: its dashboard and alerts.",),
            "The share grows past a half, or an objective's alert fires.",
        ),
    )


ALERTS = (restarts, down, answers, calls)
