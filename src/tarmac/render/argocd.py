"""Argo CD keeps the environment equal to git: a root, and an Application for each service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _argo_projects, _argo_set, _argocd, _start, _updater
from tarmac.render._argocd import App
from tarmac.render._objects import by_workload
from tarmac.render._renderer import Renderer

#: The wave of the first services: the project, the base and the stores are before them.
FIRST = 3


def application(plan: ClusterPlan, app: App) -> Artifact:
    """Make an Application."""
    return _argocd.argo(
        plan,
        "Application",
        app.name,
        {"spec": _argocd.spec(plan, app)},
        app.file,
        wave=app.wave,
        annotations=app.annotations,
        notes=app.notes,
        place=app.place,
    )


def repack(plan: ClusterPlan, objects: Sequence[Artifact]) -> Iterator[Artifact]:
    """Yield all that makes Argo CD follow the environment, where it is to."""
    if plan.settings.gitops is None or not _argocd.repository(plan):
        return
    parts = by_workload(objects)
    numbers = _argocd.waves(plan)
    apps: dict[str, App] = {}
    for workload in plan.services:
        app = _argocd.of_service(plan, workload, parts.get(workload.name, []))
        apps[workload.name] = replace(
            app,
            wave=FIRST + numbers[workload.name],
            annotations=_updater.told(plan, workload.name),
            notes=_updater.notes(plan),
        )
    as_set = _argocd.settings(plan).applications == "set"
    last = FIRST + 1 + (0 if as_set else max(numbers.values(), default=0))
    others = list(_argocd.of_others(plan, objects, last))
    made = [_argo_projects.project(plan, objects), *(application(plan, each) for each in others)]
    if as_set:
        made.append(_argo_set.application_set(plan, apps, FIRST))
    else:
        made += [application(plan, each) for each in apps.values()]
    yield from _argo_projects.root(plan, made)
    yield from made
    rows = [(a.name, FIRST if as_set else a.wave, a.sources[0]["path"]) for a in apps.values()]
    rows += [(each.name, each.wave, each.sources[0]["path"]) for each in others]
    yield from _start.files(plan, objects, sorted(rows, key=lambda row: (row[1], row[0])))


RENDERER = Renderer(
    id="argocd",
    phase="gitops",
    title="Argo CD's project, root and Applications, and what fills an empty cluster",
    render=lambda plan: (),
    repack=repack,
)
