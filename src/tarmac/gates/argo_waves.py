"""Waves follow the graph: what is needed is there before what needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.gates import _argo
from tarmac.gates._argo import App
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import NAME, dig, pods, title
from tarmac.report import Finding

PREFIX = "argocd.argoproj.io"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield Applications that come before what they need, and Jobs that come after a rollout."""
    apps = _argo.applications(subject)
    of_services = {name: app for app in apps if (name := _argo.service_of(subject, app))}
    stores = {each.name for each in subject.plan.stores}
    for app in apps:
        found = _argo.objects(subject, app)
        holds = {dig(each.data, "metadata", "labels", NAME) for each in found}
        for service, other in of_services.items():
            if holds & stores and app.wave >= other.wave:
                yield _late(other, f"the stores of {app.name}", service, app)
                break
    after = {
        name: {e.target for e in subject.plan.allowed if e.source == name and e.target != name}
        for name in of_services
    }
    in_sets = {app.artifact.path for app in apps if app.artifact.data["kind"] == "ApplicationSet"}
    for name, others in after.items():
        for target in sorted(others & of_services.keys()):
            app, callee = of_services[name], of_services[target]
            if app.artifact.path in in_sets or _circle(after, name, target):
                continue
            if callee.wave >= app.wave:
                yield _late(app, target, name, callee)
    yield from _jobs(subject, of_services)


def _late(app: App, needed: str, service: str, other: App) -> Finding:
    what = (
        f"{app.title} is in wave {app.wave}, and {needed}, which {service} needs, in wave "
        f"{other.wave}; give it a higher one than {other.wave}"
    )
    return Finding(app.artifact.path, what)


def _circle(after: Mapping[str, set[str]], one: str, other: str) -> bool:
    """Tell whether two need each other, by whatever way: then they come at once."""
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
        annotations = dig(job.artifact.data, "metadata", "annotations") or {}
        if f"{PREFIX}/hook" not in annotations:
            what = (
                f"{title(job.artifact)} is no hook: with another image it is refused, since a Job "
                f"cannot be changed; write `{PREFIX}/hook: Sync`"
            )
            yield Finding(job.artifact.path, what)
        mine = running.get(job.workload)
        wave = _argo.wave_of(job.artifact.data)
        if mine is not None and _argo.wave_of(mine.artifact.data) <= wave:
            what = (
                f"{title(mine.artifact)} is rolled out in wave {_argo.wave_of(mine.artifact.data)} "
                f"and {title(job.artifact)} runs in wave {wave}; put it behind that"
            )
            yield Finding(mine.artifact.path, what)


GATE = Gate(
    id="GIT003",
    title="Sync waves follow the graph: stores, then those that are called, then their callers",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves",
    check=check,
    looks_at="the waves of Applications and of Jobs beside their service's pods. Services of one "
    "set, or of a circle of calls, come at once.",
)
