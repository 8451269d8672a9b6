"""Where a workflow of GitHub finds the repository's files."""

from __future__ import annotations

from pathlib import Path

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.pipelines.workflows import Workflow


def repository_of(files: Files, workflow: Workflow) -> Path | None:
    """Return the folder that a workflow is checked out into; None where that is not known.

    One that others call runs in their repositories.
    """
    above, found, _ = workflow.path.partition(".github/")
    if not found or "workflow_call" in workflow.triggers:
        return None
    return on_disk(files, above)
