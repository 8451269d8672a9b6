"""A step asks a package manager for its cache when that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_SETS_UP = "actions/setup-node@"
_BRINGS = "pnpm/action-setup@"
#: What puts pnpm onto the path in a script.
_INSTALLS = ("corepack enable", "npm install -g pnpm", "npm i -g pnpm", "get.pnpm.io", "setup-pnpm")


class EarlyCache(NamedTuple):
    """A step that keeps pnpm's cache, and where the job installs pnpm."""

    workflow: Workflow
    job: str
    step: int
    is_there: bool
    #: The step behind it that installs pnpm; "" without one.
    later: str


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that look for pnpm before it is there."""
    for one in _cached(files):
        if not one.is_there and one.later:
            what = f"{one.job} has setup-node ask pnpm for its cache, and {one.later} installs that"
            where = one.workflow.at("jobs", one.job, "steps", one.step)
            yield Finding(where, f"{what} in a later step: pnpm is not found; swap the two steps")


@once
def _cached(files: Files) -> Iterator[EarlyCache]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                if step.uses.startswith(_SETS_UP) and step.inputs.get("cache") == "pnpm":
                    before, behind = job.steps[:number], job.steps[number + 1 :]
                    later = next((one.title for one in behind if _installs(one)), "")
                    # A container or a runner of one's own may have it.
                    is_own = "container" in job.data or "self-hosted" in str(job.data["runs-on"])
                    is_there = is_own or any(map(_installs, before)) or any(map(_is_open, before))
                    yield EarlyCache(workflow, name, number, is_there, later)


def _installs(step: Step) -> bool:
    return step.uses.startswith(_BRINGS) or any(one in step.run for one in _INSTALLS)


def _is_open(step: Step) -> bool:
    """Tell whether a step is an action of one's own, which may install anything."""
    return step.uses.startswith("./") or "pnpm" in step.uses


GATE = Gate(
    id="PIP068",
    title="A package manager is asked for its cache when it is installed",
    phase="delivery",
    source="https://github.com/actions/setup-node/blob/main/docs/advanced-usage.md#caching-packages"
    "-data: pnpm has to be installed before",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("caches of pnpm", _cached),
    targets=("repository",),
    reads="steps of actions/setup-node with cache: pnpm, beside those that install pnpm there.",
)
