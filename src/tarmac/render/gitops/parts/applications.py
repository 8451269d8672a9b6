"""Applications: which objects are one's, in which order, from which files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts import environment
from tarmac.render.gitops.parts.argo_objects import SERVER, Object
from tarmac.render.gitops.parts.differences import divided_routes, ignored
from tarmac.render.gitops.parts.sources import main_source, source
from tarmac.render.kubernetes.parts.metadata import BASE, by_workload
from tarmac.render.packaging.parts import chart_values

#: Where the root looks, in the tree.
FOLDER = "argocd/applications"
#: Of the shop's roadmap, phase 7.
RETRY = {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}
#: What leads requests in is healthy only when the services behind it are.
ENTRY = ("gateway", "httproute", "ingress")


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


def of_service(plan: ClusterPlan, workload: Workload, own: Sequence[Artifact]) -> App:
    """Make the Application of a service."""
    name = workload.name
    sources: tuple[Object, ...] = (main_source(plan, name),)
    if environment.settings(plan).source == "helm":
        left = [e.path for e in own if not chart_values.has_template(e.data["kind"])]
        files = sorted(path.rpartition("/")[2] for path in left if _folder(path) == name)
        if files:  # the chart has no template for them
            more = {"include": f"{{{','.join(files)}}}"}
            sources += (source(plan, f"k8s/{name}", directory=more),)
    file = f"{FOLDER}/{name}.yaml"
    return App(
        environment.named(plan, name), file, sources, workload.place, ignored=tuple(ignored(own))
    )


def of_others(plan: ClusterPlan, objects: Sequence[Artifact], last: int) -> Iterator[App]:
    """Make the Applications of what is not a service's: first the base, then stores; the rest last.

    Args:
        last: the wave behind all services.
    """
    services = {service.name for service in plan.services}
    stores = [store.name for store in (*plan.stores, *plan.setups)]
    folders = {_folder(artifact.path): artifact.path for artifact in objects}
    taken = _taken(plan, objects)
    base = [e for e in objects if _folder(e.path) == BASE]
    entry = [e for e in base if e.path.rpartition("/")[2].startswith(ENTRY)]
    several = f"{{{','.join(f'{prefix}*' for prefix in ENTRY)}}}"
    yield _plain(plan, BASE, f"k8s/{BASE}", 1, {"exclude": several} if entry else {})
    if stores:
        more = {"recurse": True, "include": f"{{{','.join(f'{store}/*' for store in stores)}}}"}
        yield _plain(plan, "stores", "k8s", 2, more)
    if entry:
        app = _plain(plan, "entry", f"k8s/{BASE}", last, {"include": several})
        yield replace(app, ignored=tuple(divided_routes(entry, objects)))
    for folder in sorted(folders.keys() - services - {*stores, BASE}):
        gone = sorted(path.rpartition("/")[2] for path in taken if _folder(path) == folder)
        more = {"exclude": f"{{{','.join(gone)}}}"} if gone else {}
        yield _plain(plan, folder, f"k8s/{folder}", last, more)


def _taken(plan: ClusterPlan, objects: Sequence[Artifact]) -> set[str]:
    """List the files outside of services' folders whose objects an overlay applies."""
    if environment.settings(plan).source != "kustomize":
        return set()
    parts = by_workload(objects)
    own = [artifact for workload in plan.services for artifact in parts.get(workload.name, ())]
    return {artifact.path for artifact in own}


def _plain(plan: ClusterPlan, name: str, path: str, wave: int, directory: Object) -> App:
    made = source(plan, path, **({"directory": directory} if directory else {}))
    file = f"{FOLDER}/{plan.system}-{name}.yaml"
    return App(environment.named(plan, f"{plan.system}-{name}"), file, (made,), plan.model, wave)


def _folder(path: str) -> str:
    return path.split("/")[1]


def spec(plan: ClusterPlan, app: App) -> Object:
    """Write what an Application is."""
    options = ["CreateNamespace=true", "PrunePropagationPolicy=foreground"]
    if app.ignored:
        options.append("RespectIgnoreDifferences=true")
    one = len(app.sources) == 1
    return {
        "project": environment.project(plan),
        **({"source": app.sources[0]} if one else {"sources": list(app.sources)}),
        "destination": {"server": SERVER, "namespace": plan.namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": options,
            "retry": RETRY,
        },
        **({"ignoreDifferences": list(app.ignored)} if app.ignored else {}),
    }
