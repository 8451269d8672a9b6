"""Numbers of pods without a plan: nodes can be drained, and autoscalers have room to act."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.references import SCALERS, target_of
from tarmac.check.gates.views.objects.scaled import Autoscalers, Owners
from tarmac.check.gates.views.objects.scaling import Budget, Controller, Scaler, scalers, templated
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.pods.pods import RUNNING, pods
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield budgets that block every drain, and numbers of which nothing can run."""
    yield from _two_owners(files)
    scaling = Autoscalers(files)
    for own in scalers(files):
        least = own.least if own.least is not None else 1
        if own.most is not None and own.most < least:
            what = f"maxReplicas is {own.most}, less than minReplicas ({least}); raise it"
            yield Finding(own.artifact.at("spec", "maxReplicas"), what)
    budgets = Selectors(files.objects("PodDisruptionBudget"), "selector")
    owners = templated(files)
    running = [(pod, owners.get(pod.name, pod.artifact)) for pod in pods(files, *RUNNING)]
    kept = Owners(owner for _, owner in running)
    for pod, owner in running:
        written = Controller(owner).replicas
        if written == 0:
            what = f"{title(owner)} has no replicas, so nothing runs; write a number"
            yield Finding(owner.at("spec", "replicas"), what, warning=True)
            continue
        scaler = scaling.by(owner)
        least = _least(scaler, written)
        own_budgets = [
            one for one in map(Budget, budgets.of(pod.labels)) if kept.are_kept_by(one, owner)
        ]
        if scaler is not None and scaler.least is None and own_budgets:
            what = f"{title(scaler.artifact)} has no minReplicas, so it goes down to one pod, and"
            why = f"{title(own_budgets[0].artifact)} is for more than one; write minReplicas"
            yield Finding(scaler.artifact.at("spec"), f"{what} {why}", warning=True)
        for budget in own_budgets:
            stay = budget.stay(least)
            if stay >= least:
                what = f"keeps {stay} of at least {least}: no node could ever be drained"
                # A number that is not written may be set by what scales, and stays.
                yield Finding(
                    budget.artifact.at("spec"),
                    f"{title(budget.artifact)} {what}; keep {least - 1} at most",
                    warning=written is None and scaler is None,
                )
            elif str(budget.available) in ("0", "0%") or str(budget.unavailable) == "100%":
                what = f"{title(budget.artifact)} keeps no pod of {title(owner)}, so it protects"
                said = f"{what} nothing; write a number, or remove it"
                yield Finding(budget.artifact.at("spec"), said, warning=True)


def _two_owners(files: Files) -> Iterator[Finding]:
    """Yield an autoscaler of what another one scales as well."""
    first = dict[tuple[str, str, str], str]()
    for artifact in files.objects(*SCALERS):
        target = target_of(artifact)
        # Without a namespace, another folder may be another example.
        space = space_of(artifact) or artifact.path.rpartition("/")[0]
        key = (space, target.kind or "Deployment", target.name or "")
        other = first.setdefault(key, title(artifact))
        if key[2] and other != title(artifact):
            what = f"{title(artifact)} and {other} both scale {key[1]} {key[2]}"
            yield Finding(
                artifact.at("spec", "scaleTargetRef"), f"{what}: each undoes the other; keep one"
            )


def _least(scaler: Scaler | None, written: int | None) -> int:
    if scaler is not None:
        return scaler.least or 1
    return 1 if written is None else written


def _judged(files: Files) -> Iterator[object]:
    yield from pods(files, *RUNNING)
    yield from files.objects(*SCALERS)


GATE = Gate(
    id="SCL005",
    title="Nodes can be drained, and autoscalers have room",
    phase="kubernetes",
    source="a budget that keeps every pod blocks each upgrade of the nodes, and an autoscaler "
    "whose largest number is below its smallest is refused",
    check=check,
    of_files=check,
    scope=counted_in_files("workloads and autoscalers", _judged),
    targets=(),
    reads="PodDisruptionBudgets, HorizontalPodAutoscalers "
    "and replicas. Judges files without a plan only: "
    "SCL001 checks more of a plan.",
)
