"""Jobs of workflows that are switched off, by the lines that they are in: nothing runs them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.events import is_off
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows


class OffLines(NamedTuple):
    """Lines of one job, from its name to what stands below it."""

    path: str
    first: int
    #: Of the next part of the file; None: it is the last one.
    end: int | None


@once
def off_lines(files: Files) -> Iterator[OffLines]:
    """Yield the lines of each job whose condition is never true."""
    for workflow in workflows(files):
        begins = sorted(_begins(workflow))
        for name, job in workflow.jobs.items():
            first = workflow.artifact.lines.get(("jobs", name))
            if first is not None and is_off(job.condition):
                after = begins[bisect_right(begins, first) :]
                yield OffLines(workflow.path, first, after[0] if after else None)


def _begins(workflow: Workflow) -> Iterator[int]:
    for path, line in workflow.artifact.lines.items():
        if len(path) == 1 or (len(path) == 2 and path[0] == "jobs"):
            yield line


def is_in(lines: OffLines, path: str, number: int | None) -> bool:
    """Tell whether a line is one of a job's."""
    is_below = number is not None and lines.first <= number
    return lines.path == path and is_below and (lines.end is None or (number or 0) < lines.end)
