"""Canaries: who owns the number of pods, steps that can be taken, thresholds that fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac import signals
from tarmac.gates._canaries import Trial, trials
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, named, running, selects, title
from tarmac.plan.analysis import SCRAPE_S
from tarmac.report import Finding

DAY_S = 86400.0
#: The labels by which Flagger tells its copy apart, in the order in which it looks for them.
APART = ("app", "name", "app.kubernetes.io/name")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers with two owners, steps that cannot be, and thresholds that let too much by."""
    for trial in trials(subject):
        yield from _owner(subject, trial)
        yield from _steps(trial)
        yield from _thresholds(subject, trial)
        if trial.flagger:
            yield from _copy(subject, trial)


def _owner(subject: Subject, trial: Trial) -> Iterator[Finding]:
    whose, where, name = title(trial.artifact), trial.artifact.path, trial.workload
    scalers = [
        each
        for each in subject.objects("HorizontalPodAutoscaler")
        if dig(each.data, "spec", "scaleTargetRef", "name") == name
    ]
    target = "Deployment" if trial.flagger else "Rollout"
    for each in scalers:
        kind = dig(each.data, "spec", "scaleTargetRef", "kind")
        if kind != target:
            advice = f"write `kind: {target}`"
            yield Finding(each.path, f"{title(each)} scales {kind} {name}, not {whose}'s; {advice}")
    own = running(subject).get(name)
    if own is not None and own.kind == "Deployment" and "replicas" in own.artifact.data["spec"]:
        yield Finding(
            own.artifact.path,
            f"replicas of {title(own.artifact)} is in git, and {whose} scales it to nothing "
            "between two trials: what applies git undoes that; remove `replicas`",
        )
    if not trial.flagger:
        return
    ref = dig(trial.spec, "autoscalerRef", "name")
    if not scalers:
        yield Finding(
            where,
            f"nothing says how many of {name} there are: Flagger scales what git has to nothing; "
            "give the environment `replicas: {min, max, cpu}`",
        )
    elif ref not in named(subject, "HorizontalPodAutoscaler"):
        yield Finding(
            where,
            f"{whose} names {f'the autoscaler {ref}' if ref else 'no autoscaler'}, and "
            f"{title(scalers[0])} scales {name}: its copy would have none; write `autoscalerRef`",
        )


def _steps(trial: Trial) -> Iterator[Finding]:
    where, weights = trial.artifact.path, trial.weights
    if not weights or [*weights] != sorted(set(weights)) or weights[-1] > 100 or weights[0] < 1:
        yield Finding(
            where,
            f"the weights {list(weights)} do not rise from 1 to 100 at most; write e.g. 10, 50",
        )
    if trial.every_s < 2 * SCRAPE_S:
        yield Finding(
            where,
            f"it looks each {trial.every_s:g} s, and metrics come each {SCRAPE_S:g} s: a rate "
            f"needs two of them; look each {2 * SCRAPE_S:g} s at most",
        )
    if trial.failures < 1:
        yield Finding(where, "no number of bad looks takes it back; write one")
    ready = float(trial.spec.get("progressDeadlineSeconds") or 600)
    looked = trial.failures * trial.every_s
    if looked > 3600 or ready > 3600:
        yield Finding(
            where,
            f"a bad version stays for {max(looked, ready) / 60:g} minutes; an hour is too long: "
            "lower `failures`, or look more often",
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
                f"a new {trial.workload} with {100 - rollout.success:g}% errors is let through, "
                f"and would use up the error budget of {objective.availability:g}% in "
                f"{lasts_s / 3600:.1f} hours; raise `success` to "
                f"{100 - (100 - objective.availability) * objective.window / DAY_S:g}",
            )
    bounds = signals.read()["http_request_duration_seconds_bucket"].buckets
    if rollout.p99 not in bounds:
        near = min(bounds, key=lambda each: abs(each - rollout.p99))
        yield Finding(
            subject.at("rollout"),
            f"p99 is {rollout.p99:g} s, which is no bound of a bucket, so it can only be guessed; "
            f"write {near:g} s",
        )


def _copy(subject: Subject, trial: Trial) -> Iterator[Finding]:
    """Yield what does not find the pods of Flagger's copy, which have one label changed."""
    own = running(subject).get(trial.workload)
    if own is None:
        return
    chosen: Mapping[str, Any] = dig(own.artifact.data, "spec", "selector", "matchLabels") or {}
    key = next((each for each in APART if each in chosen), None)
    if key is None:
        yield Finding(own.artifact.path, f"its selector has none of {', '.join(APART)}: add `app`")
        return
    copied = {**own.labels, key: f"{chosen[key]}-primary"}
    paths = {"NetworkPolicy": "podSelector", "PodDisruptionBudget": "selector"}
    for kind, path in paths.items():
        for artifact in subject.objects(kind):
            selector = dig(artifact.data, "spec", path)
            if selector and selects(selector, own.labels) and not selects(selector, copied):
                yield Finding(
                    artifact.path,
                    f"{title(artifact)} does not hold for {trial.workload}-primary, which has all "
                    f"the traffic between two trials: Flagger gives its pods {key}={copied[key]}; "
                    "select by a label that both have, and give the Deployment's selector `app`",
                )


GATE = Gate(
    id="CAN004",
    title="A canary's steps, thresholds and owner of its number of pods fit together",
    phase="mesh",
    source="Flagger's copy has the traffic, and is found by another label; a threshold looser than "
    "the objective lets by what will page",
    check=check,
    targets=("cluster",),
    looks_at="Canaries and Rollouts with their Deployments, autoscalers, budgets and policies, "
    "beside `rollout` and the objectives. A threshold is too loose where what it lets by would use "
    "up an objective's budget within a day. Latency: only that p99 is a bucket's bound.",
)
