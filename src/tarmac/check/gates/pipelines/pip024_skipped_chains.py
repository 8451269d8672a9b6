"""A job runs when the job that it needs ran, whatever was skipped before that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: With one of these a job is asked although one before it was skipped.
_ANYWAY = re.compile(r"always\(\)|failure\(\)|cancelled\(\)")
#: A condition by which a job is to run where another was skipped, and one that may mean it.
_TOLERATES = re.compile(r"'skipped'|\"skipped\"|!\s*failure\(\)|!\s*cancelled\(\)")
_OF_EVENT = re.compile(r"\bgithub\.|\binputs\.")
_READ = re.compile(r"\bneeds\.([\w-]+)\.")
_SIGNS = re.compile(r"&&|\|\||[()!]|\$\{\{|\}\}")


class Skip(NamedTuple):
    """A job that may be skipped, and the one behind it that then runs all the same."""

    skipped: str
    runs: str
    is_meant: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that are skipped with a job that they do not need."""
    for workflow in workflows(files):
        found: dict[Skip, list[str]] = {}
        for name, job in workflow.jobs.items():
            # What it asks of a job that it does not need is empty: PIP001 says so.
            is_read = all(one in job.needs for one in _READ.findall(job.condition))
            if is_read and not _ANYWAY.search(job.condition):
                for skip in list(_skips(job, workflow.jobs))[:1]:
                    found.setdefault(skip, []).append(name)
        for skip, names in found.items():
            # Several of one kind are one mistake.
            are = f"{names[0]} is" if len(names) == 1 else f"{', '.join(names)} are"
            what = (
                f"{are} skipped whenever {skip.skipped} is: {skip.runs}, which comes before, runs"
            )
            said = f"{what} then, and without a status function a job asks all before it"
            plain = workflow.jobs[names[0]].condition.strip()
            plain = plain.removeprefix("${{").removesuffix("}}").strip()
            own = f" && ({plain})" if plain else ""
            advice = f"write `if: always() && needs.{skip.runs}.result == 'success'{own}`"
            where = workflow.at("jobs", names[0], "needs")
            yield Finding(where, f"{said}; {advice}", warning=not skip.is_meant)


def _skips(job: Job, every: Mapping[str, Job]) -> Iterator[Skip]:
    for name in job.needs:
        if name not in every or not _ANYWAY.search(every[name].condition):
            continue
        runs = every[name]
        is_meant = _TOLERATES.search(runs.condition) is not None
        if not is_meant and "always()" not in runs.condition:
            continue
        for skipped in _before(runs, every):
            one = every[skipped]
            if skipped not in job.needs and not _is_of_both(one, (job, runs)):
                yield Skip(skipped, name, is_meant)


def _before(runs: Job, every: Mapping[str, Job]) -> Iterator[str]:
    """Yield the jobs before one that may be skipped, where that one runs then."""
    todo = [name for name in runs.needs if not _asks_success(runs.condition, name)]
    seen = set[str]()
    while todo:
        name = todo.pop(0)
        if name in seen or name not in every:
            continue
        seen.add(name)
        one = every[name]
        if one.condition and not _ANYWAY.search(one.condition):
            yield name
        todo += one.needs


def _asks_success(condition: str, name: str) -> bool:
    """Tell whether a condition is true only where a job was not skipped."""
    asked = re.search(rf"needs\.{re.escape(name)}\.result\s*==\s*'success'", condition)
    reads = re.search(rf"needs\.{re.escape(name)}\.outputs\.", condition)
    of_all = re.search(r"!\s*contains\(\s*needs\.\*\.result\s*,\s*'skipped'", condition)
    return bool(asked or reads or of_all) and f"{name}.result == 'skipped'" not in condition


def _is_of_both(one: Job, others: tuple[Job, ...]) -> bool:
    """Tell whether others may run only where one is not skipped: they ask for the same."""
    parts = [part.strip() for part in _SIGNS.split(one.condition)]
    for other in others:
        if any(len(part) > 3 and part in other.condition for part in parts):
            return True
        if _OF_EVENT.search(one.condition) and _OF_EVENT.search(other.condition):
            return True
    return False


GATE = Gate(
    id="PIP024",
    title="A job runs when the job that it needs ran",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax"
    "#jobsjob_idneeds: a failure or a skip applies to all jobs of the chain from there on; "
    "https://github.com/actions/runner/issues/491",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", jobs),
    targets=("repository",),
    reads="`needs` and `if` of jobs: one with always(), !failure() or !cancelled() behind one with "
    "a condition, and one without a status function behind that. Where both ask for the same, or "
    "for events, nothing is said.",
)
