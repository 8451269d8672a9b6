"""What a workflow of GitHub finds of the repository: where its files are, and which history."""

from __future__ import annotations

import re
from pathlib import Path

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow

CHECKOUT = re.compile(r"actions/checkout@")
#: What brings more of the history, whatever the options of a checkout are.
BRINGS = re.compile(r"\bgit\s+(-\S+\s+)*(fetch|pull|clone|remote\s+update)\b|\bgh\s+repo\s+clone\b")


def repository_of(files: Files, workflow: Workflow) -> Path | None:
    """Return the folder that a workflow is checked out into; None where that is not known.

    One that others call runs in their repositories.
    """
    above, found, _ = workflow.path.partition(".github/")
    if not found or "workflow_call" in workflow.triggers:
        return None
    return on_disk(files, above)


def commits_of(job: Job) -> int | None:
    """Return how many commits a job's only checkout brings; None: all, or it is not known."""
    found = [step for step in job.steps if CHECKOUT.match(step.uses)]
    if len(found) != 1 or {"repository", "ref"} & found[0].inputs.keys():
        return None
    written = str(found[0].inputs.get("fetch-depth", 1))
    return int(written) if written.isdecimal() and written != "0" else None


def is_of_tags(workflow: Workflow) -> bool:
    """Tell whether only tags start a workflow: the checkout brings the tag itself."""

    def is_of_tag(event: str, given: object) -> bool:
        keys = set(given) if isinstance(given, dict) else set()
        return event in ("release", "workflow_call") or (
            event == "push" and "tags" in keys and "branches" not in keys
        )

    return all(is_of_tag(event, given) for event, given in workflow.triggers.items())
