"""Scaling: autoscaler, replicas and disruption budget agree on how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import Selectors, dig, name_of, running, spec_of, templated, title
from tarmac.gates.views.scope import counted, running_services
from tarmac.plan.cluster import Workload
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers that contradict each other or the plan."""
    keeping, scalers = running(subject), dict(_scalers(subject))
    budgets = Selectors(subject.objects("PodDisruptionBudget"), "spec", "selector")
    # A Rollout that makes pods of a Deployment's template has their number.
    owners = templated(subject)
    known = {(workload.kind, workload.name) for workload in keeping.values()}
    known |= {_owner(owner) for owner in owners.values()}
    for (kind, name), autoscaler in scalers.items():
        if (kind, name) not in known:
            what = f"{title(autoscaler)} scales {kind} {name}, which does not exist"
            yield Finding(autoscaler.path, f"{what}; name one that does")
    for workload in subject.plan.services:
        if (own := keeping.get(workload.name)) is not None:
            owner = owners.get(own.name, own.artifact)
            scaler = scalers.get(_owner(owner))
            # Where an autoscaler is missing, that is said once.
            alone = workload.scale.least if workload.scale.automatic else 1
            least = spec_of(owner).get("replicas", alone)
            if scaler is not None:
                least = dig(scaler.data, "spec", "minReplicas") or 1
            yield from _number(subject, workload, owner, scaler)
            yield from _budgets(budgets.of(own.labels), workload, least)


def _owner(artifact: Artifact) -> tuple[str, str]:
    return str(artifact.data["kind"]), name_of(artifact)


def _scalers(subject: Subject) -> Iterator[tuple[tuple[Any, Any], Artifact]]:
    for artifact in subject.objects("HorizontalPodAutoscaler"):
        target = dig(artifact.data, "spec", "scaleTargetRef") or {}
        yield (target.get("kind"), target.get("name")), artifact


def _number(
    subject: Subject, workload: Workload, owner: Artifact, scaler: Artifact | None
) -> Iterator[Finding]:
    scale, written = workload.scale, spec_of(owner).get("replicas")
    if scaler is None:
        if scale.automatic:
            yield Finding(
                subject.at("replicas"),
                f"{workload.name} is to have {scale.least} to {scale.most} replicas, and no "
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
            f"replicas is {written}, and {title(scaler)} sets the number: each rollout would reset "
            "it; remove `replicas`",
        )
    spec = spec_of(scaler)
    for key, wanted in (("minReplicas", scale.least), ("maxReplicas", scale.most)):
        if spec.get(key, 1) != wanted:
            yield Finding(scaler.path, f"{key} is {spec.get(key)}; the model says {wanted}")


def _budgets(budgets: list[Artifact], workload: Workload, least: int) -> Iterator[Finding]:
    if workload.scale.stay > 0 and not budgets:
        yield Finding(
            workload.place,
            f"{workload.scale.stay} of {workload.name} must remain while nodes are drained, and "
            "no PodDisruptionBudget requires it; add one",
        )
    for budget in budgets:
        spec = spec_of(budget)
        stay = _count(spec.get("minAvailable", 0), least)
        if "maxUnavailable" in spec:
            stay = least - _count(spec["maxUnavailable"], least)
        if stay >= least:
            yield Finding(
                budget.path,
                f"{title(budget)} keeps {stay} of at least {least}: no node could ever be drained; "
                f"keep {least - 1} at most",
            )


def _count(written: Any, of: int) -> int:
    """Read a number or a percentage; Kubernetes rounds both up."""
    text = str(written or 0)
    return math.ceil(int(text[:-1]) * of / 100) if text.endswith("%") else int(text)


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
