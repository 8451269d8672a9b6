"""Rendered scripts have no known defect: shellcheck."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tarmac.base.foreign.files import content
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.programs import exceptions, find, read, rendered, run, tree
from tarmac.check.gates.views.scope import counted

SHELL = re.compile(r"#![^\n]*sh")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what shellcheck says of the tree's scripts."""
    folder, program = tree(subject), find("shellcheck")
    begins = {
        path: content(folder / path, limit=40, start=True).split(b"\n")[0]
        for path in rendered(subject, folder, "*")
        if not Path(path).suffix
    }
    scripts = [path for path, first in begins.items() if first.startswith(b"#!") and b"sh" in first]
    paths = sorted({*rendered(subject, folder, "*.sh"), *scripts})
    if not paths:
        return
    without = ",".join(exceptions("shellcheck"))
    options = ["--format=json1", *([f"--exclude={without}"] if without else [])]
    for comment in read(run([program, *options, *paths], folder, reads=paths))["comments"]:
        where = f"{comment['file']}:{comment['line']}:{comment['column']}"
        page = f"https://www.shellcheck.net/wiki/SC{comment['code']}"
        yield Finding(where, f"{comment['message']} {page}", GATE.id)


def _scripts(subject: Subject) -> set[str]:
    return {
        artifact.path
        for artifact in subject.artifacts
        if artifact.path.endswith(".sh")
        or (
            not Path(artifact.path).suffix
            and isinstance(artifact.content, str)
            and SHELL.match(artifact.content)
        )
    }


GATE = Gate(
    id="VAL003",
    title="shellcheck accepts every script",
    phase="kubernetes",
    source="https://www.shellcheck.net",
    check=check,
    program="shellcheck",
    scope=counted("scripts", _scripts),
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
