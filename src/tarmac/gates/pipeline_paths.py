"""A change of whatever a service is made of is a change of that service."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import data_of, filters, steps, workflows
from tarmac.plan.cluster import Workload
from tarmac.report import Finding

DATA = "ci/services.json"
FILTERS = "dorny/paths-filter"
#: Of every service of the kit: its kit, and what is locked for it.
SHARED = ("kit/x", "uv.lock")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services that no filter is for, and what of them a filter does not see."""
    if isinstance(data := data_of(subject, DATA), Mapping):
        known = data.get("services") or {}
        paths = {name: tuple((each or {}).get("paths") or ()) for name, each in known.items()}
        yield from _filters(subject, DATA, paths)
    for workflow in workflows(subject):
        for job in workflow.jobs.values():
            for step in steps(job):
                if str(step.get("uses") or "").startswith(FILTERS):
                    where = workflow.line("filters:")
                    yield from _filters(subject, where, _dorny(step))


def _dorny(step: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    read = filters(step).items()
    return {str(n): (e,) if isinstance(e, str) else tuple(map(str, e)) for n, e in read}


def _filters(
    subject: Subject, where: str, paths: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    for workload in subject.plan.services:
        if workload.name not in paths:
            what = f"no filter is for {workload.name}: a change of it starts nothing; add one"
            yield Finding(where, what)
            continue
        missing = [e for e in _made_of(subject, workload) if not _sees(paths[workload.name], e)]
        if missing:
            names = ", ".join(each.removesuffix("/x") for each in missing)
            yield Finding(
                where,
                f"a change of {names} does not start {workload.name}, which is made of it; add it",
            )
    own = {each.name for each in subject.plan.services}
    for name in [each for each in paths if each not in own]:
        what = f"a filter is for {name}, which is no service of {subject.plan.system}; remove it"
        yield Finding(where, what, warning=True)


def _made_of(subject: Subject, workload: Workload) -> list[str]:
    """List a file in each folder that a service is made of, and the files."""
    model = subject.plan.model
    folder = posixpath.dirname(model)
    sources = (posixpath.normpath(posixpath.join(folder, each)) for each in workload.sources)
    shared = SHARED if workload.parts else ()
    return [*(f"{each}/x" for each in sources), *shared, model]


def _sees(patterns: tuple[str, ...], path: str) -> bool:
    for pattern in patterns:
        bare = pattern.rstrip("/")
        if bare in ("", ".") or path == bare or path.startswith(f"{bare}/"):
            return True
        if fnmatchcase(path, pattern.replace("**", "*")):
            return True
    return False


GATE = Gate(
    id="PIP005",
    title="Every service's filter sees its sources, the kit, the lock file and the model",
    phase="delivery",
    source="what a filter leaves out is deployed untested, with the next change of something else",
    check=check,
    looks_at=f"{DATA}, and filters of {FILTERS} in workflows, beside the model's sources.",
    targets=("repository",),
)
