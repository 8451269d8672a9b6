"""Texts of a workflow's event that an outsider writes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows

#: Anyone can start these; they run with the repository's secrets and a token that writes.
PRIVILEGED = ("pull_request_target", "workflow_run")
#: What has a pull request.
REQUESTS = frozenset(
    ("pull_request", "pull_request_review", "pull_request_review_comment", "workflow_call")
) | {*PRIVILEGED}
#: Conditions by which only branches of this repository are taken, which its writers name.
OF_WRITERS = re.compile(r"head\.repo|head_repository")
#: The branch of a pull request, in an expression.
_BRANCH = re.compile(r"github\.(head_ref|event\.pull_request\.head\.ref)\b")
#: Fields of an event that the author of an issue or a pull request chooses.
CHOSEN = re.compile(
    r"github\.(?:head_ref"
    r"|event\.(?:issue|pull_request|discussion|comment|review|review_comment)"
    r"\.(?:title|body)"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch)"
    r"|event\.(?:head_commit|commits\[?[^\]]*\]?)\.(?:message|author\.(?:name|email))"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.message))"
)


def is_of_its_author(workflow: Workflow) -> bool:
    """Tell whether the author of a pull request writes the workflow as well as the branch's name.

    By `pull_request` alone it runs as it is in that branch, without secrets where that is a fork's;
    by what has no pull request, such as another workflow's end, there is no such branch.
    """
    return workflow.triggers.keys() & REQUESTS <= {"pull_request", "workflow_run"}


def paths_of_authors(files: Files) -> frozenset[str]:
    """List the workflows whose texts of branches are of their own authors."""
    return frozenset(one.path for one in workflows(files) if is_of_its_author(one))


def jobs_of_writers(files: Files) -> frozenset[tuple[str, str]]:
    """List the jobs, by their workflow's path, that take branches of this repository alone."""
    return frozenset(
        (one.path, name)
        for one in workflows(files)
        for name, job in one.jobs.items()
        if OF_WRITERS.search(job.condition)
    )


def are_branches(texts: Iterable[str]) -> bool:
    """Tell whether all that an outsider chooses in some texts is the branch of a pull request."""
    chosen = [found[0] for text in texts for found in CHOSEN.finditer(text)]
    return bool(chosen) and all(map(_BRANCH.match, chosen))
