"""Scaling: autoscaler, replicas and disruption budget agree on how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import Selectors, dig, name_of, running, templated, title
from tarmac.plan.cluster import Workload
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers that contradict each other or the plan."""
    keeping, scalers = running(subject), dict(_scalers(subject))
    budgets = Selectors(subject.objects("PodDisruptionBudget"), "spec", "selector")
    # A Rollout that makes pods of a Deployment's template has their number.
    owners = templated(subject)
    known = {(each.kind, each.name) for each in keeping.values()}
    known |= {_owner(each) for each in owners.values()}
    for (kind, name), each in scalers.items():
        if (kind, name) not in known:
            yield Finding(
                each.path,
                f"{title(each)} scales {kind} {name}, which is not there; name one that is",
            )
    for workload in subject.plan.services:
        if (own := keeping.get(workload.name)) is not None:
            owner = owners.get(own.name, own.artifact)
            scaler = scalers.get(_owner(owner))
            # Where an autoscaler is missing, that is said once.
            alone = workload.scale.least if workload.scale.automatic else 1
            least = owner.data["spec"].get("replicas", alone)
            if scaler is not None:
                least = dig(scaler.data, "spec", "minReplicas") or 1
            yield from _number(subject, workload, owner, scaler)
            yield from _budgets(budgets.of(own.labels), workload, least)


def _owner(each: Artifact) -> tuple[str, str]:
    return str(each.data["kind"]), name_of(each)


def _scalers(subject: Subject) -> Iterator[tuple[tuple[Any, Any], Artifact]]:
    for each in subject.objects("HorizontalPodAutoscaler"):
        target = dig(each.data, "spec", "scaleTargetRef") or {}
        yield (target.get("kind"), target.get("name")), each


def _number(
    subject: Subject, workload: Workload, owner: Artifact, scaler: Artifact | None
) -> Iterator[Finding]:
    scale, written = workload.scale, owner.data["spec"].get("replicas")
    if scaler is None:
        if scale.automatic:
            yield Finding(
                subject.at("replicas"),
                f"{workload.name} is to have {scale.least} to {scale.most} replicas, and no "
                "HorizontalPodAutoscaler changes their number; add it",
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
            f"replicas is {written}, and {title(scaler)} owns the number: each rollout would put "
            "it back; remove `replicas`",
        )
    spec = scaler.data["spec"]
    for key, wanted in (("minReplicas", scale.least), ("maxReplicas", scale.most)):
        if spec.get(key, 1) != wanted:
            yield Finding(scaler.path, f"{key} is {spec.get(key)}; the model says {wanted}")


def _budgets(budgets: list[Artifact], workload: Workload, least: int) -> Iterator[Finding]:
    if workload.scale.stay > 0 and not budgets:
        yield Finding(
            workload.place,
            f"{workload.scale.stay} of {workload.name} are to stay while nodes are emptied, and "
            "no PodDisruptionBudget says so; add it",
        )
    for budget in budgets:
        spec = budget.data["spec"]
        stay = _count(spec.get("minAvailable", 0), least)
        if "maxUnavailable" in spec:
            stay = least - _count(spec["maxUnavailable"], least)
        if stay >= least:
            yield Finding(
                budget.path,
                f"{title(budget)} keeps {stay} of at least {least}: no node could ever be emptied; "
                f"keep {least - 1} at most",
            )


def _count(written: Any, of: int) -> int:
    """Read a number or a percentage; Kubernetes rounds both up."""
    text = str(written)
    return math.ceil(int(text[:-1]) * of / 100) if text.endswith("%") else int(text)


GATE = Gate(
    id="SCL001",
    title="Autoscaler, replicas and disruption budget agree",
    phase="kubernetes",
    source="a budget at the autoscaler's minimum blocks every upgrade of the nodes; a number of "
    "replicas beside an autoscaler undoes it with each rollout",
    check=check,
    looks_at="Deployments, HorizontalPodAutoscalers and PodDisruptionBudgets, beside `replicas` of "
    "the environment.",
)
