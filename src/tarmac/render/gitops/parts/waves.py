"""In which order Argo CD applies Applications, and the objects of one: annotations, by kind.

Within a wave it applies by kind and waits for none; between waves it waits until all is healthy. So
what a pod reads stands in the first, what runs before a rollout in the second, the pods and
whatever judges them in the third. A store's pods are in the first: its set-up needs them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.plan import graph
from tarmac.plan.cluster import ClusterPlan, Workload

PREFIX = "argocd.argoproj.io"
WAVE = f"{PREFIX}/sync-wave"
#: The wave of a Job, and of what waits for it.
JOBS, PODS = "1", "2"
#: Of a service: an autoscaler without its Deployment is unhealthy, and would hold up all.
AFTER_JOBS = ("Deployment", "Rollout", "Canary", "HorizontalPodAutoscaler", "PodDisruptionBudget")
#: A Job cannot be changed, so it is created again in each sync; one that failed stays, for its log.
#: With a hook of its own, Helm's are left aside: Argo CD would run both of them, and one of the
#: two before the service's first settings are there.
HOOK = {
    f"{PREFIX}/hook": "Sync",
    f"{PREFIX}/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
    WAVE: JOBS,
}
#: With them goes data that cannot be restored: an operator has to agree.
KEPT = {f"{PREFIX}/sync-options": "Prune=confirm,Delete=confirm"}
#: What a service may have tables in, wherever it runs.
STORES = ("store", "managed")
DATA = ("Namespace", "PersistentVolumeClaim")


def ordered(plan: ClusterPlan, kind: str, of: Workload | None) -> Mapping[str, str]:
    """Give the annotations of an object; none where no Argo CD follows the environment."""
    if plan.settings.gitops is None:
        return {}
    if kind == "Job":
        return HOOK
    if kind in DATA:
        return KEPT
    if of is not None and of.role == "service" and kind in AFTER_JOBS:
        return {WAVE: PODS}
    return {}


def waves(plan: ClusterPlan) -> dict[str, int]:
    """Number the services: dependencies come before a service; a cycle comes at once.

    A service that has no tables of its own in a store comes after those that have: it is not ready
    before they are made.
    """
    names = [service.name for service in plan.services]
    used = {name: {e.target for e in plan.allowed if e.source == name} for name in names}
    after = {name: used[name] & {*names} for name in names}
    makers = {service.name for service in plan.services if service.migrates}
    stores = {e.target for e in plan.allowed if e.target_role in STORES}
    for reader in {*names} - makers:
        after[reader] |= {one for one in makers if used[reader] & used[one] & stores}
    together = {name: name for name in names}
    while loop := graph.cycle(_merged(after, together)):
        for name in names:
            if together[name] in loop:
                together[name] = min(loop)
    order = graph.waves(_merged(after, together))
    return {
        name: number
        for number, group in enumerate(order)
        for name in names
        if together[name] in group
    }


def _merged(after: Mapping[str, set[str]], together: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {name: set() for name in together.values()}
    for name, others in after.items():
        found[together[name]] |= {together[other] for other in others} - {together[name]}
    return {name: sorted(others) for name, others in found.items()}
