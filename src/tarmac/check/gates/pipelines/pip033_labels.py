"""Runs that ask for a label of a pull request are started by its commits, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_EVENTS = ("pull_request", "pull_request_target")
#: The labels that a pull request has, and not the one that it has just been given.
_HAS_LABEL = re.compile(r"github\.event\.pull_request\.labels\b")
_GIVEN = re.compile(r"github\.event\.(label\b|action\b)")
#: A run that takes its label away is to be asked for each time.
_TAKES = re.compile(r"remove-?labels?\b|removeLabel|DELETE.*labels|labels.*DELETE", re.IGNORECASE)
_TESTS = re.compile(r"\b(test|tests|e2e|check|lint|pytest|playwright|cypress|tox|nox)\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield workflows of labels that a new commit does not start."""
    for workflow in _of_labels(files):
        event = next(one for one in _EVENTS if one in workflow.triggers)
        conditions = " ".join(c for job in workflow.jobs.values() for _, c in job.conditions)
        is_of_state = _HAS_LABEL.search(conditions) and not _GIVEN.search(conditions)
        said = " ".join(workflow.texts)
        if is_of_state and _TESTS.search(said) and not _TAKES.search(said):
            what = "runs where a pull request has a label, and is started only when it gets one: a"
            told = f"{what} new commit starts no run, and the result is that of older code"
            where = workflow.at("on", event, "types")
            yield Finding(where, f"{told}; add synchronize to `types`", warning=True)


@once
def _of_labels(files: Files) -> Iterator[Workflow]:
    """Yield workflows that pull requests start by their labels alone."""
    for workflow in workflows(files):
        found = [one for one in _EVENTS if one in workflow.triggers]
        others = {"push", "merge_group", "workflow_call"} & {*workflow.triggers}
        types = {*texts(dig(workflow.triggers[found[0]], "types"))} if len(found) == 1 else set()
        if "labeled" in types and types <= {"labeled", "unlabeled"} and not others:
            yield workflow


GATE = Gate(
    id="PIP033",
    title="Runs that ask for a label of a pull request are started by its commits, too",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-"
    "workflows#pull_request: with `types`, no others start a run; a commit is `synchronize`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows of labels", _of_labels),
    targets=("repository",),
    reads="`types` of pull requests beside conditions that ask for `pull_request.labels`. That a "
    "run is asked for once each time is not known, so all are warnings.",
)
