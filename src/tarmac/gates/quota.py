"""Quota: what all containers may request together is enough for all of them at their most."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import Pods, amount, dig, pods
from tarmac.report import Finding

#: What Istio adds to each pod, where nobody says otherwise: global.proxy.resources in the values of
#: its chart istiod (manifests/charts/istio-control/istio-discovery/values.yaml, 1.31).
SIDECAR = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a quota that the autoscalers' maxima do not fit in, or that is not the model's."""
    quotas = subject.objects("ResourceQuota")
    wanted = subject.plan.settings.quota
    if wanted and not quotas:
        yield Finding(subject.at("quota"), "no ResourceQuota is rendered for it; add it")
    scaled = dict(_scaled(subject))
    for quota in quotas:
        hard = dig(quota.data, "spec", "hard") or {}
        for name, most in wanted.items():
            written = hard.get(f"requests.{name}")
            if written is None or amount(written) != amount(most):
                yield Finding(
                    quota.path,
                    f"requests.{name} is {written}; the environment's quota is {most} "
                    f"({subject.at('quota', name)})",
                )
        for key in ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory"):
            if key in hard and (needed := _sum(subject, scaled, key)) > amount(hard[key]):
                where = subject.at("quota") if wanted else quota.path
                meshed = ", their sidecars among it" if subject.plan.settings.mesh else ""
                yield Finding(
                    where,
                    f"{key} may be {hard[key]} in all, and all services at their most take "
                    f"{_written(needed, key)}{meshed}; raise the quota, or lower `replicas.max`",
                )


def _sum(subject: Subject, scaled: dict[tuple[Any, Any], int], key: str) -> Decimal:
    """Add up a resource: every workload at its most, one more of each while it is replaced."""
    kind, _, name = key.partition(".")
    beside = amount(SIDECAR[kind][name]) if subject.plan.settings.mesh else Decimal(0)
    return sum(
        (
            _most(scaled, each) * (_of(each, kind, name) + (beside if _meshed(each) else 0))
            for each in pods(subject)
        ),
        Decimal(0),
    )


def _meshed(own: Pods) -> bool:
    """Tell whether the mesh adds its container: it does to all pods that do not refuse it."""
    refused = own.labels.get("sidecar.istio.io/inject")
    noted = dig(own.template, "metadata", "annotations", "sidecar.istio.io/inject")
    return "false" not in (refused, noted)


def _most(scaled: dict[tuple[Any, Any], int], own: Pods) -> int:
    if own.kind in ("Job", "CronJob"):
        return int(dig(own.artifact.data, "spec", "parallelism") or 1)
    written = int(dig(own.artifact.data, "spec", "replicas") or 1)
    surge = 1 if dig(own.artifact.data, "spec", "strategy", "rollingUpdate", "maxSurge") else 0
    return scaled.get((own.kind, own.name), written) + surge


def _scaled(subject: Subject) -> Iterator[tuple[tuple[Any, Any], int]]:
    for scaler in subject.objects("HorizontalPodAutoscaler"):
        target = dig(scaler.data, "spec", "scaleTargetRef") or {}
        most = int(scaler.data["spec"]["maxReplicas"])
        yield (target.get("kind"), target.get("name")), most


def _of(own: Pods, kind: str, name: str) -> Decimal:
    """Read what one pod counts as: its containers together, or the largest that begins it."""

    def each(key: str) -> list[Decimal]:
        found = (dig(c, "resources", kind, name) for c in own.spec.get(key) or ())
        return [amount(value) for value in found if value is not None]

    return max(sum(each("containers"), Decimal(0)), *each("initContainers"), Decimal(0))


def _written(value: Decimal, key: str) -> str:
    return f"{value / 1024**3:.1f}Gi" if key.endswith("memory") else f"{value:f}"


GATE = Gate(
    id="SCL003",
    title="The quota holds all services at their most",
    phase="finops",
    source="a quota below the sum of the autoscalers' maxima makes a rush of customers an outage",
    check=check,
    targets=("cluster",),
    looks_at="ResourceQuota objects, and requests and limits of all pods times their largest "
    "number, one more of each for a rolling update, each job once; with `mesh`, what its chart "
    "gives the container that it adds to each pod. A canary's pods are not among them.",
)
