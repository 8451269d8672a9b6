"""Quota: the namespace's quota is enough for all containers at their maximum."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tarmac.base.report import Finding
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.references import Reference
from tarmac.check.gates.views.objects.scaling import Controller, Quota, scalers
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted

#: What Istio adds to each pod by default: global.proxy.resources in the values of
#: its chart istiod (manifests/charts/istio-control/istio-discovery/values.yaml, 1.31).
SIDECAR = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a quota below the autoscalers' maxima, or different from the model's."""
    quotas = [Quota(artifact) for artifact in subject.objects("ResourceQuota")]
    wanted = subject.plan.settings.quota
    if wanted and not quotas:
        yield Finding(subject.at("quota"), "no ResourceQuota is rendered for it; add it")
    scaled = {e.target: e.most for e in scalers(subject) if e.most is not None}
    for quota in quotas:
        hard, path = quota.hard, quota.artifact.path
        for name, most in wanted.items():
            written = hard.get(f"requests.{name}")
            if written is None or amount(written) != amount(most):
                yield Finding(
                    path,
                    f"requests.{name} is {written}; the environment's quota is {most} "
                    f"({subject.at('quota', name)})",
                )
        for key in ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory"):
            if key in hard and (needed := _sum(subject, scaled, key)) > amount(hard[key]):
                where = subject.at("quota") if wanted else path
                meshed = ", sidecars included" if subject.plan.settings.mesh else ""
                yield Finding(
                    where,
                    f"{key} is limited to {hard[key]}, and all services at their maximum take "
                    f"{_written(needed, key)}{meshed}; raise the quota, or lower `replicas.max`",
                )


def _sum(subject: Subject, scaled: dict[Reference, int], key: str) -> Decimal:
    """Add up a resource: every workload at its maximum, one more of each during an update."""
    kind, _, name = key.partition(".")
    beside = amount(SIDECAR[kind][name]) if subject.plan.settings.mesh else Decimal(0)
    return sum(
        (
            _most(scaled, pod) * (_of(pod, kind, name) + (beside if _meshed(pod) else 0))
            for pod in pods(subject)
        ),
        Decimal(0),
    )


def _meshed(own: Pods) -> bool:
    """Tell whether the mesh adds its container: it does to all pods that do not opt out."""
    refused = own.labels.get("sidecar.istio.io/inject")
    noted = own.metadata.annotations.get("sidecar.istio.io/inject")
    return "false" not in (refused, noted)


def _most(scaled: dict[Reference, int], own: Pods) -> int:
    controller = Controller(own.artifact)
    if own.kind in ("Job", "CronJob"):
        return controller.parallelism or 1
    surge = 1 if controller.surges else 0
    return scaled.get(Reference(own.kind, own.name), controller.replicas or 1) + surge


def _of(own: Pods, kind: str, name: str) -> Decimal:
    """Read what one pod counts as: its containers together, or the largest that begins it."""

    def amounts(containers: tuple[Container, ...]) -> list[Decimal]:
        found = (container.amount(kind, name) for container in containers)
        return [amount(value) for value in found if value is not None]

    return max(
        sum(amounts(own.main_containers), Decimal(0)), *amounts(own.init_containers), Decimal(0)
    )


def _written(value: Decimal, key: str) -> str:
    return f"{value / 1024**3:.1f}Gi" if key.endswith("memory") else f"{value:f}"


def _limits(subject: Subject) -> Iterator[object]:
    yield from subject.plan.settings.quota
    for quota in subject.objects("ResourceQuota"):
        yield from Quota(quota).hard


GATE = Gate(
    id="SCL003",
    title="The quota fits all services at their maximum",
    phase="finops",
    source="a quota below the sum of the autoscalers' maxima makes a traffic peak an outage",
    check=check,
    scope=counted("limits of quotas", _limits),
    targets=("cluster",),
    reads="ResourceQuota objects, and requests and limits of all pods times their largest "
    "number, one more of each for a rolling update, each job once; with `mesh`, what its chart "
    "gives the container that it adds to each pod. A canary's pods are not among them.",
)
