"""Which images a pod of an environment may have, and which of them may run as root."""

from __future__ import annotations

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.sidecars import SIDECARS


def repository(image: str) -> str:
    """Cut an image's tag and digest off: `registry.example.com/shop/orders`."""
    path, _, name = image.partition("@")[0].rpartition("/")
    return f"{path}/{name.partition(':')[0]}" if path else name.partition(":")[0]


def known(plan: ClusterPlan) -> list[str]:
    """List the repositories of images that a pod of the environment may have."""
    images = {workload.image for workload in plan.with_setups}
    images |= {store.exporter.image for store in plan.stores if store.exporter}
    found = {repository(image) for image in images if image}
    if plan.settings.mesh:
        found.add(SIDECARS[plan.settings.mesh])
    return sorted(found)


def exempt(plan: ClusterPlan) -> list[str]:
    """List the repositories of images that may run as root."""
    return [SIDECARS[plan.settings.mesh]] if plan.settings.mesh else []
