"""Artifacts that workflows keep, by names that others find them by."""

from __future__ import annotations

import re
from collections.abc import Callable

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows

#: Whether an artifact of a name is kept.
Kept = Callable[[str], bool]
ARTIFACT = re.compile(r"actions/(upload|download)-artifact@")
_FILLED = re.compile(r"\$\{\{.*?\}\}")


def kept_elsewhere(files: Files, workflow: Workflow) -> Kept:
    """Tell of which names a workflow that others call may find artifacts: of those of any here."""
    uploads = [
        str(step.inputs.get("name") or "artifact")
        for other in workflows(files)
        if "workflow_call" in workflow.written_triggers and other is not workflow
        for job in other.jobs.values()
        for step in job.steps
        if (found := ARTIFACT.match(step.uses)) and found[1] == "upload"
    ]
    names = [".+".join(map(re.escape, _FILLED.split(one))) for one in uploads]
    return lambda given: any(re.fullmatch(name, given) for name in names)
