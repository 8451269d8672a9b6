"""Canaries have traffic: somebody asks them, and something divides what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._canaries import Trial, trials
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, title
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield canaries that nobody asks, and ways in that lead past one."""
    tried = {each.workload: each for each in trials(subject)}
    for trial in tried.values():
        sources = {each.source for each in subject.plan.allowed if each.target == trial.workload}
        if not sources and not _load(trial):
            yield Finding(
                trial.artifact.path,
                f"nobody calls {trial.workload} and it is not public: a new version gets no "
                "request, and nothing tells whether it is good; take it out of `rollout: "
                "{services: [...]}`",
            )
        if (
            trial.flagger
            and trial.spec.get("provider") == "istio"
            and not subject.plan.settings.mesh
        ):
            yield Finding(
                trial.artifact.path,
                f"{title(trial.artifact)} has the provider istio, and {subject.plan.environment} "
                "no mesh: nothing divides the requests; write `mesh: istio`",
            )
        if trial.flagger:
            yield from _past(subject, trial)
    for name in getattr(subject.plan.settings.rollout, "services", ()):
        if name not in tried:
            yield Finding(
                subject.at("rollout"),
                f"new versions of {name} are to be tried, and nothing does; it needs a port and a "
                "Canary or Rollout",
            )


def _load(trial: Trial) -> bool:
    """Tell whether the analysis makes up requests by itself."""
    hooks = dig(trial.spec, "analysis", "webhooks") or ()
    return any(each.get("type", "rollout") == "rollout" for each in hooks)


def _past(subject: Subject, trial: Trial) -> Iterator[Finding]:
    """Yield ways in whose requests reach the stable version alone: they ask the Service itself."""
    for artifact in subject.objects("Ingress", "HTTPRoute"):
        if trial.workload in _ends(artifact):
            yield Finding(
                artifact.path,
                f"{title(artifact)} leads past {title(trial.artifact)}: what comes that way never "
                f"meets a new {trial.workload}; give it a host of its own, which Flagger leads "
                "(`hosts` and `gateways` of the Canary), or `rollout: {by: argo}`",
            )


def _ends(artifact: Artifact) -> set[Any]:
    found = set()
    for rule in dig(artifact.data, "spec", "rules") or ():
        found |= {dig(each, "name") for each in rule.get("backendRefs") or ()}
        for path in dig(rule, "http", "paths") or ():
            found.add(dig(path, "backend", "service", "name"))
    return found


GATE = Gate(
    id="CAN002",
    title="A canary gets requests, by every way on which they come",
    phase="mesh",
    source="without requests there is nothing to judge by: no error is not success",
    check=check,
    targets=("cluster",),
    looks_at="Canaries and Rollouts, beside the edges of the model and the ways in. How many "
    "requests come is not known here: an analysis asks for a least number.",
)
