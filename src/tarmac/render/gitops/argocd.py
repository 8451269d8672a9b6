"""Argo CD keeps the environment equal to git: a root, and an Application for each service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import (
    application_set,
    applications,
    argo_objects,
    bootstrap,
    environment,
    image_updater,
    projects,
    waves,
)
from tarmac.render.gitops.parts.applications import App
from tarmac.render.gitops.parts.rollout_routes import share_entry
from tarmac.render.kubernetes.parts.metadata import by_workload
from tarmac.render.renderer import Renderer

#: The wave of the first services: the project, the base and the stores are before them.
FIRST = 3


def application(plan: ClusterPlan, app: App) -> Artifact:
    """Make an Application."""
    return argo_objects.argo(
        plan,
        "Application",
        app.name,
        {"spec": applications.spec(plan, app)},
        app.file,
        wave=app.wave,
        annotations=app.annotations,
        notes=app.notes,
        place=app.place,
    )


def repack(plan: ClusterPlan, objects: Sequence[Artifact]) -> Iterator[Artifact]:
    """Yield all that makes Argo CD follow the environment, where it is to."""
    if plan.settings.gitops is None or not environment.repository(plan):
        return
    parts = by_workload(objects)
    as_set = environment.settings(plan).applications == "set"
    # Where each of the two would wait for the other, services and the entry come at once.
    together = share_entry(plan) and not as_set
    numbers = dict.fromkeys(waves.waves(plan), 0) if together else waves.waves(plan)
    apps: dict[str, App] = {}
    for workload in plan.services:
        app = applications.of_service(plan, workload, parts.get(workload.name, []))
        apps[workload.name] = replace(
            app,
            wave=FIRST + numbers[workload.name],
            annotations=image_updater.annotated(plan, workload.name),
            notes=image_updater.notes(plan),
        )
    behind = 0 if as_set else max(numbers.values(), default=0)
    last = FIRST if together else FIRST + 1 + behind
    others = list(applications.of_others(plan, objects, last))
    made = [projects.project(plan, objects), *(application(plan, other) for other in others)]
    if as_set:
        made.append(application_set.application_set(plan, apps, FIRST))
    else:
        made += [application(plan, app) for app in apps.values()]
    yield from projects.root(plan, made)
    yield from made
    rows = [(a.name, FIRST if as_set else a.wave, a.sources[0]["path"]) for a in apps.values()]
    rows += [(other.name, other.wave, other.sources[0]["path"]) for other in others]
    yield from bootstrap.files(plan, objects, sorted(rows, key=lambda row: (row[1], row[0])))


RENDERER = Renderer(
    id="argocd",
    phase="gitops",
    title="Argo CD's project, root and Applications, and what fills an empty cluster",
    render=lambda plan: (),
    repack=repack,
)
