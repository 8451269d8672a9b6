"""Canaries: one owner of the number of pods, possible steps, thresholds that fit."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import signals
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import named, title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy
from tarmac.check.gates.views.objects.scaling import Budget, Controller, Scaler, scalers
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.analyses import endless
from tarmac.check.gates.views.trials.canaries import Canary
from tarmac.check.gates.views.trials.trials import Trial, trials
from tarmac.plan.analysis import SCRAPE_S

DAY_S = 86400.0
#: The labels by which Flagger selects its copy, in the order in which it looks for them.
APART = ("app", "name", "app.kubernetes.io/name")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers with two owners, impossible steps, and thresholds that are too loose."""
    for trial in trials(subject):
        yield from _owner(subject, trial)
        yield from _steps(trial)
        yield from _thresholds(subject, trial)
        if trial.canary:
            yield from _copy(subject, trial)
        else:
            yield from _ends(subject, trial)


def _owner(subject: Subject, trial: Trial) -> Iterator[Finding]:
    whose, name = title(trial.artifact), trial.workload
    scaling = [scaler for scaler in scalers(subject) if scaler.target.name == name]
    target = "Deployment" if trial.canary else "Rollout"
    for scaler in scaling:
        kind = scaler.target.kind
        if kind != target:
            what = f"{title(scaler.artifact)} scales {kind} {name}, not {whose}'s"
            yield Finding(scaler.artifact.path, f"{what}; write `kind: {target}`")
    own = running(subject).get(name)
    fixed = own is not None and Controller(own.artifact).replicas is not None
    if own is not None and own.kind == "Deployment" and fixed:
        yield Finding(
            own.artifact.path,
            f"replicas of {title(own.artifact)} is in git, and {whose} scales it to zero "
            "between two rollouts: each apply undoes that; remove `replicas`",
        )
    if trial.canary:
        yield from _copied(subject, trial.canary, name, scaling)


def _copied(
    subject: Subject, canary: Canary, name: str, scaling: list[Scaler]
) -> Iterator[Finding]:
    """Yield what keeps Flagger from scaling its copy as the workload is scaled."""
    where, ref = canary.artifact.path, canary.autoscaler
    if not scaling:
        yield Finding(
            where,
            f"{name} has no number of replicas: Flagger scales what is in git to zero; "
            "give the environment `replicas: {min, max, cpu}`",
        )
    elif ref not in named(subject, "HorizontalPodAutoscaler"):
        named_one = f"the autoscaler {ref}" if ref else "no autoscaler"
        yield Finding(
            where,
            f"{title(canary.artifact)} names {named_one}, and {title(scaling[0].artifact)} scales "
            f"{name}: its copy would have none; write `autoscalerRef`",
        )


def _steps(trial: Trial) -> Iterator[Finding]:
    where, weights = trial.artifact.path, trial.weights
    every_s, failures = trial.analysis.every_s, trial.analysis.failures
    if not weights or [*weights] != sorted(set(weights)) or weights[-1] > 100 or weights[0] < 1:
        yield Finding(
            where,
            f"the weights {list(weights)} do not rise from 1 to 100 at most; write e.g. 10, 50",
        )
    if every_s < 2 * SCRAPE_S:
        yield Finding(
            where,
            f"it runs every {every_s:g} s, and metrics are scraped every {SCRAPE_S:g} s: a "
            f"rate needs two samples; set {2 * SCRAPE_S:g} s or more",
        )
    if failures < 1:
        yield Finding(where, "the analysis has no limit of failed checks; set one")
    ready = trial.deadline_s
    looked = failures * every_s
    if looked > 3600 or ready > 3600:
        yield Finding(
            where,
            f"a bad version stays for {max(looked, ready) / 60:g} minutes; an hour is too long: "
            "lower `failures`, or shorten the interval",
        )


def _ends(subject: Subject, trial: Trial) -> Iterator[Finding]:
    for asked in endless(named(subject, "AnalysisTemplate"), trial.rollout):
        yield Finding(
            asked.artifact.path,
            f"{title(asked.artifact)} measures {asked.name} for ever, and a step of "
            f"{title(trial.artifact)} waits for it: the controller refuses the Rollout; "
            "write `count`",
        )


def _thresholds(subject: Subject, trial: Trial) -> Iterator[Finding]:
    rollout = subject.plan.settings.rollout
    if rollout is None:
        return
    for objective in subject.plan.objectives:
        if objective.service != trial.workload or objective.availability is None:
            continue
        burn = (100 - rollout.success) / (100 - objective.availability)
        lasts_s = objective.window / burn
        if lasts_s < DAY_S:
            yield Finding(
                subject.at("rollout"),
                f"a new {trial.workload} with {100 - rollout.success:g}% errors is promoted, "
                f"and would use up the error budget of {objective.availability:g}% in "
                f"{lasts_s / 3600:.1f} hours; raise `success` to "
                f"{100 - (100 - objective.availability) * objective.window / DAY_S:g}",
            )
    bounds = signals.read()["http_request_duration_seconds_bucket"].buckets
    if rollout.p99 not in bounds:
        near = min(bounds, key=lambda bound: abs(bound - rollout.p99))
        yield Finding(
            subject.at("rollout"),
            f"p99 is {rollout.p99:g} s, which is not the bound of a bucket, so it is only "
            "estimated; "
            f"write {near:g} s",
        )


def _copy(subject: Subject, trial: Trial) -> Iterator[Finding]:
    """Yield selectors that miss the pods of Flagger's copy, which have one label changed."""
    own = running(subject).get(trial.workload)
    if own is None:
        return
    chosen = labels_of(Controller(own.artifact).selector)
    key = next((label for label in APART if label in chosen), None)
    if key is None:
        yield Finding(own.artifact.path, f"its selector has none of {', '.join(APART)}: add `app`")
        return
    copied = {**own.labels, key: f"{chosen[key]}-primary"}
    limits = [(e, NetworkPolicy(e).selector) for e in subject.objects("NetworkPolicy")]
    limits += [(e, Budget(e).selector) for e in subject.objects("PodDisruptionBudget")]
    for artifact, selector in limits:
        if selector and selects(selector, own.labels) and not selects(selector, copied):
            yield Finding(
                artifact.path,
                f"{title(artifact)} does not select {trial.workload}-primary, which has all "
                "the traffic between two rollouts: Flagger gives its pods "
                f"{key}={copied[key]}; select by a label that both have, and give the "
                "Deployment's selector `app`",
            )


GATE = Gate(
    id="CAN004",
    title="A canary's steps, thresholds and scaling are consistent",
    phase="mesh",
    source="Flagger's copy has the traffic, and another label; a threshold looser than the "
    "objective lets pass what will page",
    check=check,
    scope=counted("canaries", trials),
    targets=("cluster",),
    reads="Canaries and Rollouts with their Deployments, autoscalers, budgets and policies, "
    "beside `rollout` and the objectives. A threshold is too loose where the errors it allows "
    "would use up an objective's budget within a day. Latency: only that p99 is a bucket's bound.",
)
