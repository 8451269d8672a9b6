"""GitHub would accept every workflow: actionlint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tarmac.base.report import Finding, Level, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pipelines.workflows import FOLDER, workflows
from tarmac.check.gates.views.programs import (
    find,
    found_files,
    read,
    run,
    tree,
    workflow_files,
)
from tarmac.check.gates.views.scope import paths

#: What it says in the words of another program, about scripts.
OF_SCRIPTS = ("shellcheck", "pyflakes")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what actionlint says of the tree's workflows, their scripts included."""
    folder = tree(subject)
    yield from _said(find("actionlint"), folder, workflow_files(folder))


def check_files(files: Files) -> Iterator[Finding]:
    """Yield what actionlint says of workflows; what it says of their scripts is a warning."""
    found = found_files(workflow.artifact for workflow in workflows(files))
    yield from _said(find("actionlint"), Path(), found, lenient=True)


def _said(
    program: str, folder: Path, paths: Sequence[str], *, lenient: bool = False
) -> Iterator[Finding]:
    if not paths:
        return
    try:
        options = ["-shellcheck", find("shellcheck")]
    except Skip:
        options = ["-shellcheck", ""]
    command = [program, "-no-color", "-format", "{{json .}}", *options, *paths]
    for said in read(run(command, folder, reads=paths)):
        where = f"{said['filepath'].removeprefix('./')}:{said['line']}:{said['column']}"
        warning = lenient and said["kind"] in OF_SCRIPTS
        what = f"{said['message'].rstrip('.')} ({said['kind']})"
        yield Finding(where, what, GATE.id, warning=warning)


GATE = Gate(
    id="VAL020",
    title="actionlint accepts every workflow",
    phase="delivery",
    source="https://github.com/rhysd/actionlint",
    check=check,
    of_files=check_files,
    program="actionlint",
    scope=paths("workflows", f"{FOLDER}*.yml", f"{FOLDER}*.yaml"),
    level=Level.VALID,
    targets=("repository",),
)
