"""Rendered Dockerfiles follow the known good practice: hadolint."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, is_dockerfile
from tarmac.check.gates.views.programs import exceptions, find, read, rendered, run, tree
from tarmac.check.gates.views.scope import counted_in_files


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what hadolint says of the tree's Dockerfiles."""
    folder, program = tree(subject), find("hadolint")
    paths = rendered(subject, folder, "Dockerfile", "*.Dockerfile", "Dockerfile.*")
    paths = [path for path in paths if is_dockerfile(path)]
    if not paths:
        return
    without = [option for code in exceptions("hadolint") for option in ("--ignore", code)]
    for complaint in read(run([program, "-f", "json", *without, *paths], folder)):
        where = f"{complaint['file']}:{complaint['line']}:{complaint['column']}"
        yield Finding(where, f"{complaint['message']} ({complaint['code']})", GATE.id)


GATE = Gate(
    id="VAL004",
    title="hadolint accepts every Dockerfile",
    phase="containers",
    source="https://github.com/hadolint/hadolint",
    check=check,
    program="hadolint",
    scope=counted_in_files("Dockerfiles", dockerfiles),
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
