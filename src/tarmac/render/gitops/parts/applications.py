"""What Argo CD follows: which objects are one Application's, in which order, from which files.

Names are unique in one Argo CD, which may follow several environments of a system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tarmac.artifact import Artifact
from tarmac.model.delivery import Gitops
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts.waves import WAVE
from tarmac.render.kubernetes.parts.metadata import BASE, an_object, by_workload
from tarmac.render.packaging.parts import chart_values

API = "argoproj.io/v1alpha1"
NAMESPACE = "argocd"
#: Argo CD runs in the cluster that it fills.
SERVER = "https://kubernetes.default.svc"
#: Where the root looks, in the tree.
FOLDER = "argocd/applications"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
#: Of the shop's roadmap, phase 7.
RETRY = {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}
#: What leads requests in is healthy only when the services behind it are.
ENTRY = ("gateway", "httproute", "ingress")
#: Where the chart and the values are that `helm` renders, and what `kustomize` renders.
CHART, VALUES, OVERLAYS = "charts/service", "../values/{}.yaml", "kustomize/overlays"

Object = dict[str, Any]


@dataclass(frozen=True)
class App:
    """One Application."""

    name: str
    #: One file of the tree says it.
    file: str
    sources: tuple[Object, ...]
    place: str
    #: All that it depends on has a lower one.
    wave: int = 0
    #: Fields that others write, so that git does not.
    ignored: tuple[Object, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def settings(plan: ClusterPlan) -> Gitops:
    """Give what the model says of it. Raises ValueError where it says nothing."""
    if plan.settings.gitops is None or not repository(plan):
        raise ValueError(f"{plan.environment} is not followed")
    return plan.settings.gitops


def repository(plan: ClusterPlan) -> str:
    """Name the repository that is followed; empty where there is none."""
    return (plan.delivery.gitops or "") if plan.delivery else ""


def registry(plan: ClusterPlan) -> str:
    """Return the addresses of the services' images."""
    return plan.settings.registry or plan.system


def home(plan: ClusterPlan) -> str:
    """Return the path of this environment's files in that repository."""
    return settings(plan).path or f"environments/{plan.environment}"


def project(plan: ClusterPlan) -> str:
    """Name the AppProject of the environment's objects; the model's name where no other has it."""
    own = settings(plan).project
    same = [e for e in plan.environments.values() if e.gitops and own and e.gitops.project == own]
    return own if own and len(same) == 1 else named(plan, own or plan.system)


def named(plan: ClusterPlan, name: str) -> str:
    """Make a name that no other environment of the system has."""
    others = [e for e in plan.environments.values() if e.gitops is not None]
    return f"{name}-{plan.environment}" if len(others) > 1 else name


def source(plan: ClusterPlan, path: str, **more: Any) -> Object:
    """Name a folder of the tree."""
    return {
        "repoURL": repository(plan),
        "targetRevision": settings(plan).revision,
        "path": f"{home(plan)}/{path}",
        **more,
    }


def main_source(plan: ClusterPlan, name: str) -> Object:
    """Name what a service is made of, in the form that the environment asks for.

    Args:
        name: the service's, or what stands for it in the template of a set.
    """
    form = settings(plan).source
    if form == "kustomize":
        return source(plan, f"{OVERLAYS}/{plan.environment}/{name}")
    if form == "helm":
        helm = {"releaseName": name, "valueFiles": [VALUES.format(name)]}
        return source(plan, CHART, helm=helm)
    return source(plan, f"k8s/{name}")


def of_service(plan: ClusterPlan, workload: Workload, own: Sequence[Artifact]) -> App:
    """Make the Application of a service."""
    name = workload.name
    sources: tuple[Object, ...] = (main_source(plan, name),)
    if settings(plan).source == "helm":
        left = [e.path for e in own if not chart_values.has_template(e.data["kind"])]
        files = sorted(path.rpartition("/")[2] for path in left if _folder(path) == name)
        if files:  # the chart has no template for them
            more = {"include": f"{{{','.join(files)}}}"}
            sources += (source(plan, f"k8s/{name}", directory=more),)
    file = f"{FOLDER}/{name}.yaml"
    return App(named(plan, name), file, sources, workload.place, ignored=tuple(ignored(own)))


def ignored(own: Iterable[Artifact]) -> Iterator[Object]:
    """Find the fields of a service's objects that a controller of the cluster writes."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for artifact in own:
        kinds.setdefault(artifact.data["kind"], []).append(artifact.data)
    scaled = [
        autoscaler["spec"]["scaleTargetRef"]
        for autoscaler in kinds.get("HorizontalPodAutoscaler", ())
    ]
    # A canary's own copies carry the traffic; what it was made of is taken down to none.
    scaled += [canary["spec"]["targetRef"] for canary in kinds.get("Canary", ())]
    rollouts = kinds.get("Rollout", ())
    scaled += [e["spec"]["workloadRef"] for e in rollouts if "workloadRef" in e["spec"]]
    for kind, name in sorted({(target["kind"], target["name"]) for target in scaled}):
        group = "apps" if kind == "Deployment" else "argoproj.io"
        yield {"group": group, "kind": kind, "name": name, "jsonPointers": ["/spec/replicas"]}
    if rollouts:
        for kind, weights in (
            ("VirtualService", ".spec.http[].route[].weight"),
            ("HTTPRoute", ".spec.rules[].backendRefs[].weight"),
        ):
            for route in kinds.get(kind, ()):
                group = route["apiVersion"].partition("/")[0]
                yield {
                    "group": group,
                    "kind": kind,
                    "name": route["metadata"]["name"],
                    "jqPathExpressions": [weights],
                }


def of_others(plan: ClusterPlan, objects: Sequence[Artifact], last: int) -> Iterator[App]:
    """Make the Applications of what is no service's: first the base, then stores; the rest last.

    Args:
        last: the wave behind all services.
    """
    services = {service.name for service in plan.services}
    stores = [store.name for store in plan.stores]
    folders = {_folder(artifact.path): artifact.path for artifact in objects}
    taken = _taken(plan, objects)
    base = [e.path for e in objects if _folder(e.path) == BASE]
    entry = [path for path in base if path.rpartition("/")[2].startswith(ENTRY)]
    several = f"{{{','.join(f'{prefix}*' for prefix in ENTRY)}}}"
    yield _plain(plan, BASE, f"k8s/{BASE}", 1, {"exclude": several} if entry else {})
    if stores:
        more = {"recurse": True, "include": f"{{{','.join(f'{store}/*' for store in stores)}}}"}
        yield _plain(plan, "stores", "k8s", 2, more)
    if entry:
        yield _plain(plan, "entry", f"k8s/{BASE}", last, {"include": several})
    for folder in sorted(folders.keys() - services - {*stores, BASE}):
        gone = sorted(path.rpartition("/")[2] for path in taken if _folder(path) == folder)
        more = {"exclude": f"{{{','.join(gone)}}}"} if gone else {}
        yield _plain(plan, folder, f"k8s/{folder}", last, more)


def _taken(plan: ClusterPlan, objects: Sequence[Artifact]) -> set[str]:
    """List the files outside of services' folders whose objects an overlay applies."""
    if settings(plan).source != "kustomize":
        return set()
    parts = by_workload(objects)
    own = [artifact for workload in plan.services for artifact in parts.get(workload.name, ())]
    return {artifact.path for artifact in own}


def _plain(plan: ClusterPlan, name: str, path: str, wave: int, directory: Object) -> App:
    made = source(plan, path, **({"directory": directory} if directory else {}))
    file = f"{FOLDER}/{plan.system}-{name}.yaml"
    return App(named(plan, f"{plan.system}-{name}"), file, (made,), plan.model, wave)


def _folder(path: str) -> str:
    return path.split("/")[1]


def spec(plan: ClusterPlan, app: App) -> Object:
    """Write what an Application is."""
    options = ["CreateNamespace=true", "PrunePropagationPolicy=foreground"]
    if app.ignored:
        options.append("RespectIgnoreDifferences=true")
    one = len(app.sources) == 1
    return {
        "project": project(plan),
        **({"source": app.sources[0]} if one else {"sources": list(app.sources)}),
        "destination": {"server": SERVER, "namespace": plan.namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": options,
            "retry": RETRY,
        },
        **({"ignoreDifferences": list(app.ignored)} if app.ignored else {}),
    }


def argo(
    plan: ClusterPlan, kind: str, name: str, body: Object, path: str, *,
    wave: int | None = None, finalizer: bool = True, **more: Any,
) -> Artifact:  # fmt: skip
    """Make one of Argo CD's own objects."""
    annotations = dict(more.pop("annotations", {}))
    if wave is not None:
        annotations = {WAVE: str(wave), **annotations}
    made = an_object(
        plan, API, kind, name, body, namespace=NAMESPACE, annotations=annotations, **more
    )
    if finalizer:
        made.data["metadata"]["finalizers"] = [FINALIZER]
    return replace(made, path=path)
