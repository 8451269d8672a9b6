"""What calls a workflow leaves it the rights that it asks for, and does not wait for itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_LEVELS = {"none": 0, "read": 1, "write": 2}
_ALL = {"read-all": 1, "write-all": 2}
#: What differs between a caller and what it calls, though it is written in the same way.
_OWN = re.compile(r"\b(inputs|matrix|strategy|job|github\.job|env|github\.action)\b")


class WorkflowCall(NamedTuple):
    """A job that is another workflow of the same repository."""

    workflow: Workflow
    name: str
    job: Job
    called: Workflow


def check(files: Files) -> Iterator[Finding]:
    """Yield calls of what needs more rights, or waits for a group that its caller is in."""
    for call in _calls(files):
        yield from _rights(call)
        yield from _groups(call)


@once
def _calls(files: Files) -> Iterator[WorkflowCall]:
    own = {one.path: one for one in workflows(files)}
    for workflow in own.values():
        root = workflow.path.partition(".github/")[0]
        for name, job in workflow.jobs.items():
            if (uses := string(job.data, "uses")).startswith("./"):
                called = own.get(posixpath.normpath(posixpath.join(root, uses)))
                if called is not None and called is not workflow:
                    yield WorkflowCall(workflow, name, job, called)


def _rights(call: WorkflowCall) -> Iterator[Finding]:
    holder = call.job.data if call.job.has_permissions else call.workflow.data
    if "permissions" not in holder:
        return  # the organisation's default decides
    given = holder["permissions"]
    if any(map(is_mark, given.values() if isinstance(given, Mapping) else (given,))):
        return
    place = ("jobs", call.name, "permissions") if call.job.has_permissions else ("permissions",)
    lacks: dict[str, str] = {}
    for name, job in call.called.jobs.items():
        asked = (job.data if job.has_permissions else call.called.data).get("permissions")
        for scope, right in asked.items() if isinstance(asked, Mapping) else ():
            if _level(right) > _allowed(given, str(scope)):
                lacks.setdefault(f"{scope}: {right}", name)
    if lacks:
        first = next(iter(lacks.values()))
        what = f"{call.name} calls {call.called.path}, whose job {first} asks for"
        where = call.workflow.at(*place)
        advice = "which its caller does not have: the run is refused; add it here"
        yield Finding(where, f"{what} `{', '.join(lacks)}`, {advice}")


def _allowed(given: Any, scope: str) -> int:
    if isinstance(given, Mapping):
        return _level(given.get(scope, "none"))
    return _ALL.get(str(given), 0)


def _level(right: Any) -> int:
    return _LEVELS.get(str(right), 0)


def _groups(call: WorkflowCall) -> Iterator[Finding]:
    inner = _group(call.called.data)
    if not inner or _OWN.search(inner):
        return
    at_job = ("jobs", call.name, "concurrency")
    for data, path in ((call.workflow.data, ("concurrency",)), (call.job.data, at_job)):
        if _group(data) == inner:
            what = f"{call.name} calls {call.called.path}, which waits for the group {inner}"
            advice = "that this run is in itself, so it is cancelled; give them two names"
            yield Finding(call.workflow.at(*path), f"{what} {advice}")
            return


def _group(data: Mapping[str, Any]) -> str:
    said = data.get("concurrency")
    group = said.get("group") if isinstance(said, Mapping) else said
    return re.sub(r"\s+", " ", str(group)).strip() if group else ""


GATE = Gate(
    id="PIP014",
    title="A caller leaves its workflow the rights and the group that it needs",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/reusable-workflows-reference: rights can "
    "only be kept or lowered by what is called; github.workflow there is the caller's, so both are "
    "in one group and GitHub cancels the run",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("calls of workflows", _calls),
    targets=("repository",),
    reads="`permissions` and `concurrency` of workflows of the same repository that call each "
    "other. Rights that nothing says are the organisation's.",
)
