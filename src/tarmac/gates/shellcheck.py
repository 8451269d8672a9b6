"""Rendered scripts hold no known trap: shellcheck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._programs import exceptions, find, read, rendered, run, tree
from tarmac.report import Finding, Level


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what shellcheck says of the tree's scripts."""
    folder, program = tree(subject), find("shellcheck")
    begins = {
        path: (folder / path).read_bytes()[:40].split(b"\n")[0]
        for path in rendered(subject, folder, "*")
        if not Path(path).suffix
    }
    scripts = [path for path, first in begins.items() if first.startswith(b"#!") and b"sh" in first]
    paths = sorted({*rendered(subject, folder, "*.sh"), *scripts})
    if not paths:
        return
    without = ",".join(exceptions("shellcheck"))
    options = ["--format=json1", *([f"--exclude={without}"] if without else [])]
    for each in read(run([program, *options, *paths], folder))["comments"]:
        where = f"{each['file']}:{each['line']}:{each['column']}"
        page = f"https://www.shellcheck.net/wiki/SC{each['code']}"
        yield Finding(where, f"{each['message']} {page}", GATE.id)


GATE = Gate(
    id="VAL003",
    title="shellcheck takes every script",
    phase="kubernetes",
    source="https://www.shellcheck.net",
    check=check,
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
