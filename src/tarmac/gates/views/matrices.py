"""The folders that a step is in by each value of its job's matrix."""

from __future__ import annotations

import re

from tarmac.gates.views.workflow_jobs import Job
from tarmac.gates.views.workflow_steps import Step
from tarmac.gates.views.workflows import FOLDER, Workflow

#: Which variable of a matrix lists what another job found, and the step that found it.
_OUTPUT = re.compile(r"needs\.([\w-]+)\.outputs\.([\w-]+)")
_STEP = re.compile(r"steps\.([\w-]+)\.outputs\.")

#: Where a command goes, or has another program go, by a variable of its matrix.
_CD = re.compile(
    r"(?:\bcd|--prefix|--directory|-C)[ =]+\"?([^\s\"&;]*\$\{\{\s*matrix\.[\w-]+\s*\}\}[^\s\"&;]*)"
)
_VARIABLE = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")


def folders(workflow: Workflow, job: Job, step: Step, so_far: str) -> dict[str, str]:
    """Find the folder that a step is in by each value of a matrix; none where it names none.

    Args:
        so_far: its commands up to the one that is asked for.
    """
    folder = [step.folder or job.folder, *_CD.findall(so_far)][-1]
    if not (variable := _VARIABLE.search(folder)):
        return {}
    root = workflow.path.partition(FOLDER)[0]
    written = values(workflow, job, variable[1])
    return {value: root + folder.replace(variable[0], value).strip("/") for value in written}


def values(workflow: Workflow, job: Job, variable: str) -> list[str]:
    """List what a variable of a job's matrix may be: written there, or another's filters."""
    given = job.matrix(variable)
    if isinstance(given, list):
        return [str(item) for item in given]
    found = _OUTPUT.search(str(given or ""))
    other = workflow.jobs.get(found[1]) if found else None
    if not found or other is None:
        return []
    source = _STEP.search(str(other.outputs.get(found[2]) or ""))
    which = [step for step in other.steps if source and step.id == source[1]]
    return [str(path_filter) for path_filter in which[0].filters] if which else []
