"""Rendered Dockerfiles follow the known good practice: hadolint."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._programs import exceptions, find, read, rendered, run, tree
from tarmac.report import Finding, Level


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what hadolint says of the tree's Dockerfiles."""
    folder, program = tree(subject), find("hadolint")
    paths = rendered(subject, folder, "Dockerfile", "*.Dockerfile", "Dockerfile.*")
    paths = [path for path in paths if not path.endswith(".dockerignore")]
    if not paths:
        return
    without = [option for code in exceptions("hadolint") for option in ("--ignore", code)]
    for each in read(run([program, "-f", "json", *without, *paths], folder)):
        where = f"{each['file']}:{each['line']}:{each['column']}"
        yield Finding(where, f"{each['message']} ({each['code']})", GATE.id)


GATE = Gate(
    id="VAL004",
    title="hadolint takes every Dockerfile",
    phase="containers",
    source="https://github.com/hadolint/hadolint",
    check=check,
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
