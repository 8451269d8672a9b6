"""Expressions of a job read what the events that start it bring."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Path, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.events import possible
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: One value of the event and nothing else: a default, a comparison or a function asks for more.
_VALUE = re.compile(
    r"\$\{\{\s*github\.(head_ref|base_ref|event\.(pull_request|issue|comment|release|review"
    r"|workflow_run|client_payload|deployment_status|head_commit|inputs)\.[\w.-]+)\s*\}\}"
)
_PULL_REQUESTS = (
    "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment",
)  # fmt: skip
_OF_COMMENTS = (
    "issue_comment", "commit_comment", "discussion_comment", "pull_request_review_comment",
)  # fmt: skip
#: The events that bring each.
_BRING = {
    "head_ref": (*_PULL_REQUESTS, "merge_group"),
    "base_ref": (*_PULL_REQUESTS, "merge_group"),
    "pull_request": _PULL_REQUESTS,
    "issue": ("issues", "issue_comment"),
    "comment": _OF_COMMENTS,
    "release": ("release",),
    "review": ("pull_request_review",),
    "workflow_run": ("workflow_run",),
    "client_payload": ("repository_dispatch",),
    "deployment_status": ("deployment_status",),
    "head_commit": ("push", "workflow_run"),
    "inputs": ("workflow_dispatch",),
}

_ASKS = re.compile(r"github\.event_name|GITHUB_EVENT_NAME")


def check(files: Files) -> Iterator[Finding]:
    """Yield values that no event of a job has, so that they are empty in each of its runs."""
    for workflow in workflows(files):
        if "workflow_call" in workflow.triggers:
            continue  # it has the event of the workflow that calls it
        for name, job in workflow.jobs.items():
            events = possible(job.condition, workflow.triggers)
            yield from _unset(workflow, name, job, events) if events else ()


def _unset(workflow: Workflow, name: str, job: Job, events: set[str]) -> Iterator[Finding]:
    told = set[str]()
    for path, text in _read(job, events):
        for found in _VALUE.finditer(text):
            wanted = _BRING[found[2] or found[1]]
            where = workflow.at("jobs", name, *path)
            # An action of the repository may be used by workflows of other events.
            is_shared = not where.startswith(f"{workflow.path}:")
            if found[1] in told or events & {*wanted} or is_shared:
                continue
            told.add(found[1])
            what = (
                f"{name} reads github.{found[1]}, which {', '.join(wanted[:2])} brings, and it runs"
            )
            said = f"{what} by {', '.join(sorted(events))}: it is empty; read what these bring"
            # An action may take an empty input for none, and others may call a called workflow.
            is_broken = ("run" in path or "env" in path) and workflow.written is None
            # A script asks itself which event it is of.
            is_broken = is_broken and not _ASKS.search(text)
            yield Finding(where, said, warning=not is_broken)


def _read(job: Job, events: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield the texts of a job that runs do with, without those of steps that never run."""
    yield from places(job.data.get("env"), ("env",))
    for number, step in enumerate(job.steps):
        if possible(step.condition, {event: {} for event in events}):
            for key in ("env", "run", "with"):
                yield from places(step.data.get(key), ("steps", number, key))


GATE = Gate(
    id="PIP028",
    title="Expressions of a job read what its events bring",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#github-"
    "context: github.event is what the event brings, and head_ref is of pull requests alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", jobs),
    targets=("repository",),
    reads="`${{ github.event.* }}` in `run`, `env` and `with` beside `on` and `if`. Workflows that "
    "others call have their events, and a value with a default is asked for.",
)
