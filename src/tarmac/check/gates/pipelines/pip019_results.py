"""Jobs tell of failures, keep what they upload, and may read what they check out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from tarmac.base.foreign.reading import Path, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.action_versions import version_of
from tarmac.check.gates.views.pipelines.checkouts import repository_of
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_UPLOAD = "actions/upload-artifact@"
#: From here on a name is taken once, and what begins with a dot is left out; @v4 is the newest.
_ONCE, _HIDES = (4,), (4, 4)
#: A step that asks whether a job before it failed, which a skipped job never does.
_ASKS = re.compile(
    r"needs\.[\w-]+\.result\s*(==\s*'(failure|cancelled)'|!=\s*'success')"
    r"|(?<!!)(?<!!\()\bcontains\(\s*((join|toJSON)\(\s*)?needs(\.\*\.result)?\s*(,\s*'[^']*'\s*)?\)?"
    r"\s*,\s*'(failure|cancelled)'\s*\)",
    re.IGNORECASE,
)
#: The same in a script.
_ASKS_THERE = re.compile(
    r"\$\{\{\s*needs\.[\w-]+\.result\s*\}\}[\"']?\s*(==?\s*[\"']?(failure|cancelled)|!=\s*[\"']?success)"
)
#: Results with which one is compared, and what they are called.
_COMPARED = re.compile(
    r"\b(needs\.[\w-]+\.result|steps\.[\w-]+\.(?:outcome|conclusion)|job\.status)\s*(==|!=)\s*'(\w+)'"
)
#: Files by which an owner lets others use what is in a repository.
_LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "COPYING")
_RESULTS = ("success", "failure", "cancelled", "skipped")
_ANYWAY = re.compile(r"always\(\)|failure\(\)|cancelled\(\)")


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that are skipped when they are wanted, and uploads that end each other."""
    for workflow in workflows(files):
        is_public = _is_public(files, workflow)
        for name, job in workflow.jobs.items():
            yield from _skipped(workflow, name, job)
            yield from _alone(workflow, name, job)
            yield from _misnamed(workflow, name, job)
            yield from _uploads(workflow, name, job)
            yield from _hidden(workflow, name, job)
            yield from () if is_public else _unread(workflow, name, job)


def _skipped(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    may_fail = any(
        "continue-on-error" in workflow.jobs[n].data for n in job.needs if n in workflow.jobs
    )
    if not job.needs or may_fail or _ANYWAY.search(job.condition):
        return
    places: list[tuple[Path, str]] = [(("if",), job.condition)]
    for number, step in enumerate(job.steps):
        scripts = [text for text in step.texts if _ASKS_THERE.search(text) or "${{" in text]
        places += [(("steps", number), text) for text in (step.condition, *scripts)]
    for path, condition in places:
        if found := _ASKS.search(condition) or _ASKS_THERE.search(condition):
            asked = found[0].removeprefix("${{").strip()
            what = f"{name} asks whether a job failed ({asked}), and is skipped when one that it"
            where = workflow.at("jobs", name, *path)
            yield Finding(where, f"{what} needs does: it never tells; write `if: failure()`")
            return


def _alone(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield jobs that ask for a failure of those before them, and have none before them."""
    condition = re.sub(r"\s|\$\{\{|\}\}", "", job.condition)
    is_called = "workflow_call" in workflow.written_triggers  # what failed may be of the caller
    if is_called or job.needs:
        return
    if re.search(r"(^|&&|\()failure\(\)", condition) and "||" not in condition:
        what = f"{name} runs where a job before it failed, and needs none, so it never runs"
        where = workflow.at("jobs", name, "if")
        yield Finding(where, f"{what}; list in `needs` those that it is to watch")


def _misnamed(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield results that are compared with what none is called."""
    for path, text in job.places(("jobs", name)):
        # A condition that asks it of several has the same mistake.
        found: dict[tuple[str, str], dict[str, None]] = {}
        for what, sign, value in _COMPARED.findall(text):
            if value.lower() not in _RESULTS:
                found.setdefault((sign, value), {})[what] = None
        for (sign, value), names in found.items():
            first, others = next(iter(names)), len(names) - 1
            what = f"{first} and {others} more" if others else first
            holds = "never" if sign == "==" else "always"
            said = f"{name} compares {what} with '{value}', which it is not called, so that is"
            advice = f"write one of {', '.join(_RESULTS)}"
            yield Finding(workflow.at(*path), f"{said} {holds} so; {advice}")


def _uploads(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield artifacts of one name that each job of a matrix uploads."""
    matrix = fields(job.data, "strategy", "matrix")
    several = any(isinstance(one, list) and len(one) > 1 for one in matrix.values())
    for number, step in enumerate(job.steps):
        is_upload = step.uses.startswith(_UPLOAD)
        told = str(step.inputs.get("name") or "artifact")
        # Without an archive, the file's own name is taken.
        is_file = step.inputs.get("archive") is False or step.inputs.get("overwrite")
        if not is_upload or is_file or not several or "${{" in told or step.condition:
            continue
        if version_of(workflow, step.uses) >= _ONCE:
            what = f"each job of {name}'s matrix uploads {told}, and a name is taken once in a run:"
            where = workflow.at("jobs", name, "steps", number)
            yield Finding(where, f"{what} all but the first fail; write the matrix' value into it")


def _hidden(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield uploads of files and folders that begin with a dot."""
    for number, step in enumerate(job.steps):
        told = str(step.inputs.get("include-hidden-files", "")).lower()
        if not step.uses.startswith(_UPLOAD) or told not in ("", "false"):
            continue
        if version_of(workflow, step.uses) < _HIDES and not step.uses.endswith("@v4"):
            continue
        lines = [line.strip() for line in str(step.inputs.get("path") or "").splitlines()]
        paths = [line for line in lines if line and not line.startswith(("!", "#"))]
        hidden = [path for path in paths if _is_hidden(path)]
        if hidden:
            rest = "nothing" if len(hidden) == len(paths) else f"nothing of {hidden[0]}"
            what = f"{name} uploads {hidden[0]}, which begins with a dot, and the action leaves out"
            said = f"{what} what does: it uploads {rest}; write include-hidden-files: true"
            yield Finding(workflow.at("jobs", name, "steps", number, "with", "path"), said)


def _is_hidden(path: str) -> bool:
    """Tell whether all that a path or pattern finds is hidden to the action.

    It looks at the names of the files and folders below what a pattern begins with, and of that.
    """
    parts = path.rstrip("/").split("/")
    first = next((n for n, part in enumerate(parts) if set("*?[") & {*part}), len(parts))
    begun = basename("/".join(parts[:first]))
    named = [begun, *(part for part in parts[first:] if "$" not in part)]
    return any(re.match(r"\.[^./]", part) is not None for part in named)


def _is_public(files: Files, workflow: Workflow) -> bool:
    """Tell whether a repository has a licence for others: anyone may read it."""
    root = repository_of(files, workflow)
    return root is not None and any((root / name).is_file() for name in _LICENCES)


def _unread(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield checkouts of a job whose permissions name others, and not that of the contents."""
    own = job.data.get("permissions", workflow.data.get("permissions"))
    for number, step in enumerate(job.steps):
        is_own = step.uses.startswith("actions/checkout@") and not (
            {"repository", "token", "ssh-key"} & step.inputs.keys()
        )
        if is_own and isinstance(own, dict) and own and "contents" not in own:
            given = ", ".join(map(str, own))
            what = f"{name} checks out and may use {given} alone: in a private repository that is"
            where = workflow.at("jobs", name, "steps", number)
            yield Finding(where, f"{what} refused; add `contents: read`", warning=True)


GATE = Gate(
    id="PIP019",
    title="Jobs tell of failures, keep what they upload, and may read what they check out",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax: a "
    "job is skipped when one that it needs fails, and what `permissions` does not name is none; "
    "https://github.com/actions/upload-artifact: a name is used once in a run",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    targets=("repository",),
    reads="conditions on the results of needed jobs, uploads of jobs with a matrix and of what "
    "begins with a dot, and checkouts beside permissions.",
)
