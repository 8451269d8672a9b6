"""GitHub would accept every workflow: actionlint."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.pipelines.workflows import FOLDER
from tarmac.check.gates.views.programs import find, read, run, tree
from tarmac.check.gates.views.scope import paths


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what actionlint says of the tree's workflows, their scripts included."""
    folder = tree(subject)
    paths = sorted(
        path.relative_to(folder).as_posix()
        for end in ("*.yml", "*.yaml")
        for path in (folder / FOLDER).glob(end)
    )
    program = find("actionlint")
    if not paths:
        return
    try:
        options = ["-shellcheck", find("shellcheck")]
    except Skip:
        options = ["-shellcheck", ""]
    for complaint in read(
        run([program, "-no-color", "-format", "{{json .}}", *options, *paths], folder)
    ):
        where = f"{complaint['filepath']}:{complaint['line']}:{complaint['column']}"
        yield Finding(where, f"{complaint['message'].rstrip('.')} ({complaint['kind']})", GATE.id)


GATE = Gate(
    id="VAL020",
    title="actionlint accepts every workflow",
    phase="delivery",
    source="https://github.com/rhysd/actionlint",
    check=check,
    program="actionlint",
    scope=paths("workflows", f"{FOLDER}*.yml", f"{FOLDER}*.yaml"),
    level=Level.VALID,
    targets=("repository",),
)
