"""What Argo CD may do: a project for the environment's objects, and one for the root alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _argocd
from tarmac.render._argocd import App
from tarmac.render._people import group

PROJECT_NOTES = (
    "What these Applications may make, where, and from which repository: what is rendered needs",
    "this and no more. A new kind of object is a new line here, in the same commit.",
)
ROOT_NOTES = (
    "The only thing that is applied by hand: it makes all other Applications, in their order.",
    "It may make nothing else, and the Applications that it makes may make none.",
)


def project(plan: ClusterPlan, objects: Sequence[Artifact]) -> Artifact:
    """Make the project of the environment's own objects; its operators may sync, not change."""
    name = _argocd.project(plan)
    may = [
        f"p, proj:{name}:operator, applications, {verb}, {name}/*, allow"
        for verb in ("get", "sync")
    ]
    body = {
        "description": f"{plan.system} in {plan.environment}",
        **_argocd.allowed(plan, objects),
        "roles": [
            {"name": "operator", "policies": may, "groups": [group(plan.system, "operator")]}
        ],
    }
    path = f"{_argocd.FOLDER}/project.yaml"
    return _argocd.argo(plan, "AppProject", name, {"spec": body}, path, wave=0, notes=PROJECT_NOTES)


def root(plan: ClusterPlan, made: Sequence[Artifact]) -> Iterator[Artifact]:
    """Make the root, and the project that holds it to Argo CD's own objects."""
    name = _argocd.named(plan, f"{plan.system}-root")
    kinds = sorted({each.data["kind"] for each in made})
    body = {
        "description": f"The root of {plan.system} in {plan.environment}",
        "sourceRepos": [_argocd.repository(plan)],
        "destinations": [{"server": _argocd.SERVER, "namespace": _argocd.NAMESPACE}],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [{"group": "argoproj.io", "kind": each} for each in kinds],
    }
    yield _argocd.argo(plan, "AppProject", name, {"spec": body}, "argocd/project.yaml")
    app = App(name, "argocd/root.yaml", (_argocd.source(plan, _argocd.FOLDER),), plan.model)
    spec = _argocd.spec(plan, app)
    spec |= {
        "project": name,
        "destination": {"server": _argocd.SERVER, "namespace": _argocd.NAMESPACE},
    }
    spec["syncPolicy"]["syncOptions"].remove("CreateNamespace=true")  # it runs there itself
    yield _argocd.argo(plan, "Application", name, {"spec": spec}, app.file, notes=ROOT_NOTES)
