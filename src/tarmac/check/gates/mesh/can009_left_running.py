"""A Deployment whose template a Rollout takes has no pods of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import NamedNeighbours
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.scaling import scalers
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: What the controller does with the Deployment, where it takes its pods away.
_ENDS = ("onsuccess", "progressively")


def check(files: Files) -> Iterator[Finding]:
    """Yield Deployments that run beside the Rollout with their template."""
    rollouts = list(_judged(files))
    near = NamedNeighbours(files.objects("Deployment"))
    by_target = {one.target.name: one.artifact for one in scalers(files) if _is_of_one(one.target)}
    for rollout in rollouts:
        name = string(_taken(rollout), "name")
        own = near.named(name, rollout)
        if own is None:
            continue
        what = f"{title(rollout)} takes its pods from {title(own)} (workloadRef)"
        replicas = dig(own.data, "spec", "replicas")
        scaler = by_target.get(name)
        if replicas != 0 and scaler is None:
            runs = f"runs {replicas}" if replicas is not None else "runs one, as nothing is said,"
            said = f"{what}, and that {runs} beside them: a Service of both sends past the steps;"
            where = own.at("spec", "replicas")
            yield Finding(where, f"{said} write replicas: 0 there, or scaleDown", warning=True)
        elif scaler is not None:
            said = f"{what}, and {title(scaler)} scales that one: its pods run beside the Rollout's"
            where = scaler.at("spec", "scaleTargetRef")
            yield Finding(where, f"{said}; let it scale the Rollout", warning=True)


def _is_of_one(target: object) -> bool:
    return getattr(target, "kind", "") == "Deployment"


def _taken(rollout: Artifact) -> Mapping[str, object]:
    return fields(rollout.data, "spec", "workloadRef")


@once
def _judged(files: Files) -> Iterator[Artifact]:
    for rollout in files.objects("Rollout"):
        own = _taken(rollout)
        if string(own, "kind") == "Deployment" and own.get("scaleDown") not in _ENDS:
            yield rollout


GATE = Gate(
    id="CAN009",
    title="A Deployment whose template a Rollout takes has no pods of its own",
    phase="mesh",
    source="https://argo-rollouts.readthedocs.io/en/stable/migrating/#reference-deployment-from-"
    "rollout: the Deployment is left as it is unless scaleDown says something else",
    check=check,
    of_files=check,
    scope=counted_in_files("Rollouts with a workloadRef", _judged),
    targets=("cluster",),
    reads="workloadRef of Rollouts beside the replicas of their Deployments and the autoscalers "
    "of these.",
)
