"""Scaling: autoscaler, replicas and disruption budget agree on how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.references import Reference, reference_to
from tarmac.check.gates.views.objects.scaling import Budget, Controller, Scaler, scalers, templated
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted, running_services

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers that contradict each other or the plan."""
    keeping, scaling = running(subject), {scaler.target: scaler for scaler in scalers(subject)}
    budgets = Selectors(subject.objects("PodDisruptionBudget"), "selector")
    # A Rollout that makes pods of a Deployment's template has their number.
    owners = templated(subject)
    known = {Reference(workload.kind, workload.name) for workload in keeping.values()}
    known |= {reference_to(owner) for owner in owners.values()}
    for target, scaler in scaling.items():
        if target not in known:
            what = f"{title(scaler.artifact)} scales {target.kind} {target.name}"
            yield Finding(scaler.artifact.path, f"{what}, which does not exist; name one that does")
    for workload in subject.plan.services:
        if (own := keeping.get(workload.name)) is not None:
            owner = owners.get(own.name, own.artifact)
            autoscaler = scaling.get(reference_to(owner))
            # Where an autoscaler is missing, that is said once.
            alone = workload.scale.least if workload.scale.automatic else 1
            written = Controller(owner).replicas
            least = alone if written is None else written
            if autoscaler is not None:
                least = autoscaler.least or 1
            yield from _number(subject, workload, owner, autoscaler)
            yield from _budgets(budgets.of(own.labels), workload, least)


def _number(
    subject: Subject, workload: Workload, owner: Artifact, scaler: Scaler | None
) -> Iterator[Finding]:
    scale, written = workload.scale, Controller(owner).replicas
    if scaler is None:
        if scale.automatic:
            yield Finding(
                subject.at("replicas"),
                f"{workload.name} needs {scale.least} to {scale.most} replicas, but no "
                "HorizontalPodAutoscaler scales it; add one",
            )
        elif (written if written is not None else 1) != scale.least:
            yield Finding(
                owner.path,
                f"replicas is {written}; the model says {scale.least} of {workload.name}",
            )
        return
    if written is not None:
        yield Finding(
            owner.path,
            f"replicas is {written}, and {title(scaler.artifact)} sets the number: each rollout "
            "would reset it; remove `replicas`",
        )
    for key, said, wanted in (
        ("minReplicas", scaler.least, scale.least),
        ("maxReplicas", scaler.most, scale.most),
    ):
        if (1 if said is None else said) != wanted:
            yield Finding(scaler.artifact.path, f"{key} is {said}; the model says {wanted}")


def _budgets(budgets: list[Artifact], workload: Workload, least: int) -> Iterator[Finding]:
    if workload.scale.stay > 0 and not budgets:
        yield Finding(
            workload.place,
            f"{workload.scale.stay} of {workload.name} must remain while nodes are drained, "
            "but no PodDisruptionBudget requires it; add one",
        )
    for budget in map(Budget, budgets):
        if (stay := budget.stay(least)) >= least:
            yield Finding(
                budget.artifact.path,
                f"{title(budget.artifact)} keeps {stay} of at least {least}: no node could ever be "
                f"drained; keep {least - 1} at most",
            )


def _judged(subject: Subject) -> list[object]:
    return [*running_services(subject), *subject.objects("HorizontalPodAutoscaler")]


GATE = Gate(
    id="SCL001",
    title="Autoscaler, replicas and disruption budget agree",
    phase="kubernetes",
    source="a budget at the autoscaler's minimum blocks every upgrade of the nodes; a number of "
    "replicas beside an autoscaler undoes it with each rollout",
    check=check,
    scope=counted("services and autoscalers", _judged),
    reads="Deployments, HorizontalPodAutoscalers and PodDisruptionBudgets, beside `replicas` of "
    "the environment.",
)
