"""What to do when a promise is about to be broken: the pages of the alerts on objectives.

The alerts themselves come from the objectives; here is only what a person needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.model.objective import Objective, ObjectiveAlert
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._alert import Book

#: The page of every alert on how fast a budget burns.
BURN = "ErrorBudgetBurn"


@dataclass(frozen=True)
class Promise:
    """The page of an alert on objectives."""

    name: str
    severity: str
    head: tuple[str, ...]
    book: Book


def _promised(objective: Objective) -> str:
    days = f"{objective.window / 86400:g} days"
    if objective.availability is not None:
        return f"{objective.service}: {objective.availability:g} % without a 5xx over {days}"
    slowest_ms = (objective.latency or 0) * 1000
    return f"{objective.service}: {objective.percent:g} % faster than {slowest_ms:g} ms over {days}"


def _rule(objective: Objective) -> str:
    return objective.name or objective.service.replace("-", "_")


def _book(plan: ClusterPlan, service: str, means: str, hurts: str, *, latency: bool) -> Book:
    own = f'namespace="{plan.namespace}",service="{service}"'
    below = [a.target for a in plan.allowed if a.source == service and a.target_role != "external"]
    worst = (
        "histogram_quantile(0.95, sum by (route, le) "
        f"(rate(http_request_duration_seconds_bucket{{{own}}}[5m])))"
        if latency
        else f'sum by (route, status) (rate(http_requests_total{{{own},status=~"5.."}}[5m]))'
    )
    undo = (
        "Revert the commit in the repository of rendered files; Argo CD puts it back."
        if plan.settings.gitops
        else f"`kubectl -n {plan.namespace} rollout undo deployment/{service}`."
    )
    return Book(
        means,
        hurts,
        (
            ("Which routes are bad: ask Prometheus", worst),
            (
                f"Whom {service} waits for ({', '.join(below) or 'nobody'}): what else fires",
                'ALERTS{alertstate="firing"}',
            ),
            (
                "What changed in the last hours",
                f"kubectl -n {plan.namespace} get pods --sort-by=.status.startTime -o wide",
            ),
            ("What it says", f"kubectl -n {plan.namespace} logs deploy/{service} --tail=100"),
        ),
        (
            "A new version, of it or of whom it calls: compare the minute with the last rollout.",
            "A store or service below it fails: its own alert says so, and its page goes on there.",
            "More traffic than there are pods: ScaledToMost, CPU at its limit.",
        ),
        (
            f"A version that is worse goes back first; why comes later. {undo}",
            "One route or client is at fault: limit it at the gateway while the rest works.",
            "Nothing helps within 30 minutes: stop rollouts, call for help.",
        ),
        "Half of the budget is gone within one incident, or users write to support.",
    )


def promises(plan: ClusterPlan) -> Iterator[Promise]:
    """Yield the page of each alert on objectives, each once."""
    if not plan.objectives:
        return
    listed = "\n".join(f"- {_promised(each)}" for each in plan.objectives)
    first = plan.objectives[0]
    yield Promise(
        BURN,
        "critical or warning",
        (
            f"What is promised:\n\n{listed}\n",
            ("The alert's labels say which objective, and in which windows its budget burned.\n"),
        ),
        _book(
            plan,
            first.service,
            "Requests fail (or are late) so fast that the error budget will be gone before its "
            "window ends. A burn rate of 1 uses it up exactly at the end; 14.4 for an hour costs "
            "2 % of 30 days (SRE workbook, chapter 5). Critical: act now. Warning: today.",
            "Users, now: the share that the rule shows is theirs.",
            latency=first.latency is not None,
        ),
    )
    seen = {BURN}
    for objective in plan.objectives:
        for alert in objective.alerts:
            if alert.name not in seen:
                seen.add(alert.name)
                yield _own(plan, objective, alert)


def _own(plan: ClusterPlan, objective: Objective, alert: ObjectiveAlert) -> Promise:
    latency = objective.latency is not None
    minutes = f"{alert.for_ / 60:g} minutes"
    over = f"{alert.over / 60:g} minutes"
    if alert.of == "budget":
        means = (
            f"Of the error budget of {objective.service} less than {alert.below:.0%} is left, "
            f"measured over {over}, for {minutes}."
        )
        hurts = "Users were; what is left is too little for the next incident or a risky rollout."
    else:
        good = "fast enough" if latency else "without a 5xx"
        means = (
            f"Less than {alert.below * 100:g} % of the requests to {objective.service} were "
            f"{good}, measured over {over}, for {minutes}."
        )
        hurts = (
            "Users, now: so many of them wait too long."
            if latency
            else "Users, now: they see errors."
        )
    kind = "latency" if latency else "availability"
    rule = f"slo:{_rule(objective)}_{kind}:ratio_rate5m"
    return Promise(
        alert.name,
        alert.severity,
        (f"What is promised: {_promised(objective)}. It is seen in `{rule}`.\n",),
        _book(plan, objective.service, means, hurts, latency=latency),
    )
