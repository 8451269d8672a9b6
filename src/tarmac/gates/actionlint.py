"""GitHub would take every workflow: actionlint."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._programs import find, read, run, tree
from tarmac.gates._workflows import FOLDER
from tarmac.report import Finding, Level, Skip


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
    for each in read(
        run([program, "-no-color", "-format", "{{json .}}", *options, *paths], folder)
    ):
        where = f"{each['filepath']}:{each['line']}:{each['column']}"
        yield Finding(where, f"{each['message'].rstrip('.')} ({each['kind']})", GATE.id)


GATE = Gate(
    id="VAL020",
    title="actionlint takes every workflow",
    phase="delivery",
    source="https://github.com/rhysd/actionlint",
    check=check,
    level=Level.VALID,
    targets=("repository",),
)
