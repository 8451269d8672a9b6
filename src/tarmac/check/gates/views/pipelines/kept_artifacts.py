"""Artifacts that workflows keep, by names that others find them by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows

#: Whether an artifact of a name is kept.
Kept = Callable[[str], bool]
ARTIFACT = re.compile(r"actions/(upload|download)-artifact@")
_FILLED = re.compile(r"\$\{\{.*?\}\}")


@once
def _uploads(files: Files) -> Iterator[tuple[Workflow, str]]:
    """Yield the name of each artifact that a workflow keeps."""
    for workflow in workflows(files):
        for job in workflow.jobs.values():
            for step in job.steps:
                if (found := ARTIFACT.match(step.uses)) and found[1] == "upload":
                    yield workflow, str(step.inputs.get("name") or "artifact")


def kept_elsewhere(files: Files, workflow: Workflow) -> Kept:
    """Tell of which names a workflow that others call may find artifacts: of those of any here."""

    def is_kept(given: str) -> bool:
        return "workflow_call" in workflow.written_triggers and any(
            re.fullmatch(".+".join(map(re.escape, _FILLED.split(name))), given)
            for other, name in _uploads(files)
            if other is not workflow
        )

    return is_kept
