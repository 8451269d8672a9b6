"""Sync waves follow the dependencies: a dependency is synced before its dependents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.argo.applications import App, applications, wave_of
from tarmac.check.gates.views.argo.trees import objects, service_of
from tarmac.check.gates.views.objects.metadata import NAME, metadata, title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted

PREFIX = "argocd.argoproj.io"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield Applications that sync before their dependencies, and Jobs that run after a rollout."""
    apps = applications(subject)
    of_services = {name: app for app in apps if (name := service_of(subject, app))}
    stores = {store.name for store in (*subject.plan.stores, *subject.plan.setups)}
    for app in apps:
        found = objects(subject, app)
        holds = {metadata(artifact).labels.get(NAME) for artifact in found}
        for service, other in of_services.items():
            if holds & stores and app.wave >= other.wave:
                yield _late(other, f"the stores of {app.name}", service, app)
                break
    after = {
        name: {e.target for e in subject.plan.allowed if e.source == name and e.target != name}
        for name in of_services
    }
    in_sets = {app.artifact.path for app in apps if app.in_set}
    for name, others in after.items():
        for target in sorted(others & of_services.keys()):
            app, callee = of_services[name], of_services[target]
            if app.artifact.path in in_sets or _in_cycle(after, name, target):
                continue
            if callee.wave >= app.wave:
                yield _late(app, target, name, callee)
    yield from _jobs(subject, of_services)


def _late(app: App, needed: str, service: str, other: App) -> Finding:
    what = (
        f"{app.title} is in wave {app.wave}, but {service} needs {needed} (wave "
        f"{other.wave}); give it a wave above {other.wave}"
    )
    return Finding(app.artifact.path, what)


def _in_cycle(after: Mapping[str, set[str]], one: str, other: str) -> bool:
    """Tell whether two depend on each other, directly or not: then they sync at once."""
    seen, todo = set[str](), [other]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += after.get(name, set())
    return one in seen


def _jobs(subject: Subject, followed: dict[str, App]) -> Iterator[Finding]:
    running = {e.workload: e for e in pods(subject, "Deployment", "Rollout")}
    for job in pods(subject, "Job"):
        if job.workload not in followed:
            continue
        if f"{PREFIX}/hook" not in metadata(job.artifact).annotations:
            what = (
                f"{title(job.artifact)} is not a hook: a new image is rejected, since a Job is "
                f"immutable; write `{PREFIX}/hook: Sync`"
            )
            yield Finding(job.artifact.path, what)
        mine = running.get(job.workload)
        wave = wave_of(job.artifact.data)
        if mine is not None and wave_of(mine.artifact.data) <= wave:
            what = (
                f"{title(mine.artifact)} is rolled out in wave {wave_of(mine.artifact.data)} "
                f"and {title(job.artifact)} runs in wave {wave}; give the rollout a later wave"
            )
            yield Finding(mine.artifact.path, what)


GATE = Gate(
    id="GIT003",
    title="Sync waves follow the dependencies: stores, callees, callers",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves",
    check=check,
    scope=counted("Applications", applications),
    reads="the waves of Applications and of Jobs beside their service's pods. Services of one "
    "set, or of a cycle of calls, sync at once.",
)
