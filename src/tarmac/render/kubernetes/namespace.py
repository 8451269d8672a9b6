"""The namespace: the profile of its pods, their quota, and the roles of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.base.written import amount
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.roles import ROLES, group, rules
from tarmac.render.renderer import Renderer

#: The requests of a container that has none (the shop's roadmap, phase 13, FIN-07).
REQUESTS = {"cpu": "100m", "memory": "128Mi"}

MESH_NOTES = (
    "Sidecars need Istio's CNI plug-in: without it their init container needs NET_ADMIN, which",
    "`restricted` refuses.",
)
QUOTA_NOTES = ("A container without requests is refused by this; the LimitRange gives defaults.",)


def namespace(plan: ClusterPlan) -> Artifact:
    """Make the namespace; it refuses a pod that is not `restricted`, with a message."""
    name, notes = plan.namespace, MESH_NOTES if plan.settings.mesh else ()
    made = an_object(plan, "v1", "Namespace", name, {}, notes=notes)
    labels = made.data["metadata"]["labels"]
    # The profile's rules are those of the release that all objects are checked for.
    release = f"v{versions.read().default().version}"
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        labels[f"pod-security.kubernetes.io/{mode}-version"] = release
    if plan.settings.mesh:
        labels["istio-injection"] = "enabled"
    return made


def limits(plan: ClusterPlan) -> Artifact:
    """Give a container that says nothing what it needs to be let in by the quota."""
    limits = plan.settings.resources.limits
    # An API server refuses a request above its limit.
    least = {
        name: str(limits[name]) if name in limits and amount(limits[name]) < amount(most) else most
        for name, most in REQUESTS.items()
    }
    most = {name: str(limit) for name, limit in limits.items()}
    limit = {"type": "Container", "defaultRequest": least, "default": most}
    name = f"{plan.namespace}-limits"
    return an_object(plan, "v1", "LimitRange", name, {"spec": {"limits": [limit]}})


def quota(plan: ClusterPlan) -> Artifact:
    """Hold all containers together to what the environment allows."""
    hard = {f"requests.{name}": str(amount) for name, amount in plan.settings.quota.items()}
    name, body = f"{plan.namespace}-quota", {"spec": {"hard": hard}}
    return an_object(plan, "v1", "ResourceQuota", name, body, notes=QUOTA_NOTES)


def people(plan: ClusterPlan) -> Iterator[Artifact]:
    """Make the roles of people, each for a group that the identity provider fills."""
    api = "rbac.authorization.k8s.io"
    for role, about in ROLES.items():
        body = {"rules": rules(role, plan.environment)}
        yield an_object(plan, f"{api}/v1", "Role", role, body, notes=(about,))
        bound = {
            "roleRef": {"apiGroup": api, "kind": "Role", "name": role},
            "subjects": [{"apiGroup": api, "kind": "Group", "name": group(plan.system, role)}],
        }
        yield an_object(plan, f"{api}/v1", "RoleBinding", role, bound)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the namespace with its limits and roles. Workloads have no role: none asks the API."""
    yield namespace(plan)
    yield limits(plan)
    if plan.settings.quota:
        yield quota(plan)
    yield from people(plan)


RENDERER = Renderer(
    id="k8s-namespace",
    phase="kubernetes",
    title="Namespace, LimitRange, ResourceQuota, and the Roles of people",
    render=render,
)
