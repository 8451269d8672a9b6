"""What Argo CD may do: a project for the environment's objects, and one for the root alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.gitops.parts import applications, argo_objects, environment
from tarmac.render.gitops.parts.applications import App
from tarmac.render.gitops.parts.argo_objects import Object
from tarmac.render.gitops.parts.sources import source
from tarmac.render.kubernetes.parts.metadata import CLUSTER_WIDE
from tarmac.render.kubernetes.parts.roles import group

PROJECT_NOTES = (
    "What these Applications may make, where, and from which repository: kinds that an environment",
    "may have, also where none is rendered now, so that the last one of a kind can be deleted.",
)
#: Kinds that any environment may have.
KINDS = "gitops/kinds.yaml"
#: Argo CD looks at no kind that it may not make. The image updater has the images that run from it,
#: which are those of pods, and updates no other.
RUN = {("apps", "ReplicaSet"), ("", "Pod")}
ROOT_NOTES = (
    "The only thing that is applied manually: it makes all other Applications, in their order.",
    "It may make nothing else, and the Applications that it makes may make none.",
)


def project(plan: ClusterPlan, objects: Sequence[Artifact]) -> Artifact:
    """Make the project of the environment's own objects; its operators may sync, not change."""
    name = environment.project(plan)
    may = [
        f"p, proj:{name}:operator, applications, {verb}, {name}/*, allow"
        for verb in ("get", "sync")
    ]
    body = {
        "description": f"{plan.system} in {plan.environment}",
        **_allowed(plan, objects),
        "roles": [
            {"name": "operator", "policies": may, "groups": [group(plan.system, "operator")]}
        ],
    }
    path = f"{applications.FOLDER}/project.yaml"
    return argo_objects.argo(
        plan, "AppProject", name, {"spec": body}, path, wave=0, notes=PROJECT_NOTES
    )


def root(plan: ClusterPlan, made: Sequence[Artifact]) -> Iterator[Artifact]:
    """Make the root, and the project that holds it to Argo CD's own objects."""
    name = environment.named(plan, f"{plan.system}-root")
    kinds = sorted({artifact.data["kind"] for artifact in made})
    body = {
        "description": f"The root of {plan.system} in {plan.environment}",
        "sourceRepos": [environment.repository(plan)],
        "destinations": [{"server": argo_objects.SERVER, "namespace": argo_objects.NAMESPACE}],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [{"group": "argoproj.io", "kind": kind} for kind in kinds],
    }
    yield argo_objects.argo(plan, "AppProject", name, {"spec": body}, "argocd/project.yaml")
    app = App(name, "argocd/root.yaml", (source(plan, applications.FOLDER),), plan.model)
    spec = applications.spec(plan, app)
    spec |= {
        "project": name,
        "destination": {"server": argo_objects.SERVER, "namespace": argo_objects.NAMESPACE},
    }
    spec["syncPolicy"]["syncOptions"].remove("CreateNamespace=true")  # it runs there itself
    yield argo_objects.argo(plan, "Application", name, {"spec": spec}, app.file, notes=ROOT_NOTES)


def _allowed(plan: ClusterPlan, objects: Iterable[Artifact]) -> Object:
    """Return the allowed destinations and kinds; of cluster-wide kinds those that exist."""
    wide: set[tuple[str, str]] = set()
    listed = texts.filled_asset(KINDS, {})
    kinds = {(group, kind) for group, names in listed.items() for kind in names}
    spaces = {plan.namespace}
    for made in objects:
        api, kind = made.data["apiVersion"], made.data["kind"]
        space = made.data["metadata"].get("namespace")
        (kinds if space and kind not in CLUSTER_WIDE else wide).add((api.rpartition("/")[0], kind))
        if space:
            spaces.add(space)
    if environment.settings(plan).updater:
        kinds |= RUN
    return {
        "sourceRepos": [environment.repository(plan)],
        "destinations": [
            {"server": argo_objects.SERVER, "namespace": space} for space in sorted(spaces)
        ],
        "clusterResourceWhitelist": [{"group": g, "kind": k} for g, k in sorted(wide)],
        "namespaceResourceWhitelist": [{"group": g, "kind": k} for g, k in sorted(kinds)],
    }
