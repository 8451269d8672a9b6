"""Jobs of a matrix that build one platform each push it under tags of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_BUILDS = "docker/build-push-action@"
_OF_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)(?:\.([\w-]+))?\s*\}\}")
#: What an expression of a tag may read that is the same in each job of a matrix.
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_SAME = re.compile(r"\b(github|inputs|vars|needs|secrets)\.")
_OF_STEP = re.compile(r"\bsteps\.([\w-]+)\.outputs\.(tags|version|json)\b")
_OF_ENV = re.compile(r"\benv\.(\w+)")
_PLATFORM = re.compile(r"linux/\w+(/\w+)?")


class PushedPart(NamedTuple):
    """A step that pushes what one job of a matrix builds."""

    workflow: Workflow
    name: str
    job: Job
    number: int
    step: Step
    platforms: list[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield images of one platform that replace those of another."""
    for one in _parts(files):
        tags = str(one.step.inputs.get("tags") or "").strip()
        if len({*one.platforms}) > 1 and tags and _are_same(tags, one.workflow, one.job):
            what = f"each job of {one.name}'s matrix pushes one platform under the same tags, so"
            said = f"{what} the last one replaces the others ({', '.join(one.platforms[:3])}); list"
            where = one.workflow.at("jobs", one.name, "steps", one.number)
            yield Finding(where, f"{said} all in `platforms`, or push by digest and join them")


@once
def _parts(files: Files) -> Iterator[PushedPart]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                if not step.uses.startswith(_BUILDS) or step.inputs.get("push") is not True:
                    continue
                found = _OF_MATRIX.fullmatch(str(step.inputs.get("platforms") or "").strip())
                if found and "outputs" not in step.inputs and not step.condition:
                    values = _values(job, found[1], found[2])
                    yield PushedPart(workflow, name, job, number, step, values)


def _values(job: Job, variable: str, part: str | None) -> list[str]:
    """List what a variable of a matrix is in its jobs, where each is one platform."""
    listed = list(items(job.matrix(variable)))
    listed += [dig(one, variable) for one in items(job.matrix("include"))]
    found = [str(dig(one, part) if part else one) for one in listed if one is not None]
    return found if all(map(_PLATFORM.fullmatch, found)) else []


def _are_same(tags: str, workflow: Workflow, job: Job) -> bool:
    """Tell whether tags are surely the same in all jobs of a matrix."""
    by_id = {str(one.id): one for one in job.steps if one.id}
    env = {**_env(workflow.data), **_env(job.data)}
    for expression in _EXPRESSION.findall(tags):
        step = _OF_STEP.search(expression)
        variable = _OF_ENV.search(expression)
        if step is not None:
            made = by_id.get(step[1])
            told = " ".join(text for _, text in places(dict(made.inputs))) if made else "matrix."
            is_known = made is not None and made.uses.startswith("docker/metadata-action@")
            if not is_known or "matrix." in told or "env." in told or "runner." in told:
                return False
        elif variable is not None:
            if "${{" in env.get(variable[1], "${{") and not _SAME.search(env.get(variable[1], "")):
                return False
        elif not _SAME.search(expression) or re.search(r"\b(matrix|runner|job)\.", expression):
            return False
    return "matrix." not in " ".join(env.values())


def _env(data: Mapping[str, object]) -> dict[str, str]:
    found = data.get("env")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


GATE = Gate(
    id="PIP060",
    title="Jobs of a matrix that build one platform each push it under tags of its own",
    phase="delivery",
    source="https://docs.docker.com/build/ci/github-actions/multi-platform/#distribute-build-"
    "across-multiple-runners: each job pushes by digest, and a last one makes the list of them",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("pushes of a matrix", _parts),
    targets=("repository",),
    reads="docker/build-push-action whose `platforms` is a variable of the matrix, beside its "
    "tags, those of docker/metadata-action and variables of the job.",
)
