"""Path filters: a change of any source of a service starts its jobs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.pipelines.service_commands import FILE, service_jobs
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

FILTERS = "dorny/paths-filter"
#: Of every service of the kit: its kit, and what is locked for it.
SHARED = ("kit/x", "uv.lock")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services without a filter, and sources that a filter leaves out."""
    for where, paths in _found(subject):
        yield from _filters(subject, where, paths)


def _dorny(step: Step) -> dict[str, tuple[str, ...]]:
    read = step.filters.items()
    return {str(n): (e,) if isinstance(e, str) else tuple(map(str, e)) for n, e in read}


def _filters(
    subject: Subject, where: str, paths: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    for workload in subject.plan.own_services:
        if workload.name not in paths:
            what = f"{workload.name} has no filter: a change of it starts no job; add one"
            yield Finding(where, what)
            continue
        missing = [e for e in _made_of(subject, workload) if not _sees(paths[workload.name], e)]
        if missing:
            names = ", ".join(path.removesuffix("/x") for path in missing)
            yield Finding(
                where,
                f"a change of {names} does not start {workload.name}, which depends on it; add it",
            )
    own = {service.name for service in subject.plan.own_services}
    for name in [path for path in paths if path not in own]:
        what = f"a filter names {name}, which is not a service of {subject.plan.system}; remove it"
        yield Finding(where, what, warning=True)


def _made_of(subject: Subject, workload: Workload) -> list[str]:
    """List a file in each folder that a service is made of, and the files."""
    model = subject.plan.model
    folder = posixpath.dirname(model)
    sources = (posixpath.normpath(posixpath.join(folder, source)) for source in workload.sources)
    shared = SHARED if workload.parts else ()
    return [*(f"{source}/x" for source in sources), *shared, model]


def _sees(patterns: tuple[str, ...], path: str) -> bool:
    for pattern in patterns:
        bare = pattern.rstrip("/")
        if bare in ("", ".") or path == bare or path.startswith(f"{bare}/"):
            return True
        if fnmatchcase(path, pattern.replace("**", "*")):
            return True
    return False


def _judged(subject: Subject) -> Iterator[object]:
    for _, paths in _found(subject):
        yield from {*paths, *(service.name for service in subject.plan.own_services)}


def _found(subject: Subject) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
    """Yield each set of filters, by its place: the paths of each service."""
    if (known := service_jobs(subject)) is not None:
        yield FILE, {name: jobs.paths for name, jobs in known.items()}
    for workflow in workflows(subject):
        for job in workflow.jobs.values():
            for step in job.steps:
                if step.uses.startswith(FILTERS):
                    yield workflow.line("filters:"), _dorny(step)


GATE = Gate(
    id="PIP005",
    title="Path filters of a service cover its sources, kit, lock file and model",
    phase="delivery",
    source=(
        "a path that no filter covers is deployed untested, with the next change of another file"
    ),
    check=check,
    scope=counted("path filters", _judged),
    reads=f"{FILE}, and filters of {FILTERS} in workflows, beside the model's sources.",
    targets=("repository",),
)
