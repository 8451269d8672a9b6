"""Canaries have traffic: they get requests, and something splits them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.routes import backends
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.trials import Trial, trials


def check(subject: Subject) -> Iterator[Finding]:
    """Yield canaries without traffic, and routes that bypass one."""
    tried = {trial.workload: trial for trial in trials(subject)}
    for trial in tried.values():
        sources = {edge.source for edge in subject.plan.allowed if edge.target == trial.workload}
        canary = trial.canary
        if not sources and not (canary and canary.has_load):
            yield Finding(
                trial.artifact.path,
                f"no service calls {trial.workload}, and it is not public: a new version gets no "
                "request, so its analysis has no data; take it out of `rollout: "
                "{services: [...]}`",
            )
        if canary and canary.provider == "istio" and not subject.plan.settings.mesh:
            yield Finding(
                trial.artifact.path,
                f"{title(trial.artifact)} has the provider istio, and {subject.plan.environment} "
                "no mesh: nothing splits the requests; write `mesh: istio`",
            )
        if canary:
            yield from _past(subject, trial)
    for name in getattr(subject.plan.settings.rollout, "services", ()):
        if name not in tried:
            yield Finding(
                subject.at("rollout"),
                f"{name} has a rollout strategy, and nothing implements it; it needs a port and a "
                "Canary or Rollout",
            )


def _past(subject: Subject, trial: Trial) -> Iterator[Finding]:
    """Yield routes whose requests reach the stable version only: they name the Service itself."""
    for artifact in subject.objects("Ingress", "HTTPRoute"):
        if trial.workload in backends(artifact):
            yield Finding(
                artifact.path,
                f"{title(artifact)} bypasses {title(trial.artifact)}: its requests never reach "
                f"a new {trial.workload}; give it a host of its own, which Flagger routes "
                "(`hosts` and `gateways` of the Canary), or `rollout: {by: argo}`",
            )


def _judged(subject: Subject) -> set[str]:
    wanted = getattr(subject.plan.settings.rollout, "services", ())
    return {*wanted, *(trial.workload for trial in trials(subject))}


GATE = Gate(
    id="CAN002",
    title="A canary receives traffic from every caller",
    phase="mesh",
    source="an analysis without requests has no data: zero errors do not prove success",
    check=check,
    scope=counted("canaries", _judged),
    targets=("cluster",),
    reads="Canaries and Rollouts, beside the edges of the model and the ingress. The number "
    "of requests is not known here: an analysis requires a minimum.",
)
